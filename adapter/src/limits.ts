// Every bound of the adapter in one place, with its unit. Those that an application may want to
// turn are also options of createAdapter(); the others are fixed because nothing is gained by it.

/** Bytes of one slab: publishes are written into it, sent from it, and kept in it until taken. */
export const SLAB_BYTES = 128 * 1024;
/** Free slabs kept for reuse. */
export const SLAB_POOL = 16;
/** Bytes of the one buffer that the attachment reads into. */
export const READ_BUFFER_BYTES = 256 * 1024;
/** Bytes after the length field of any frame, in both directions. */
export const MAX_FRAME_BYTES = 20 * 1024 * 1024;
/** Default of `bufferBytes`: publishes kept until every addressed member has taken them. */
export const BUFFER_BYTES = 64 * 1024 * 1024;
/** Smallest `bufferBytes`. */
export const MIN_BUFFER_BYTES = 4 * SLAB_BYTES;
/** Unsent bytes above which volatile publishes are shed. */
export const VOLATILE_BACKLOG_BYTES = 1024 * 1024;
/** Ranges of forgotten publishes that are told apart; beyond it the oldest two become one. */
export const FORGOTTEN_RANGES = 1024;

/** So long after the last flush the next one does not wait for the end of the loop turn, ms. */
export const FLUSH_PAUSE_MS = 0.25;
/** Received bytes after which TAKEN is reported without delay. */
export const TAKEN_BYTES = 256 * 1024;
/** Longest delay of a TAKEN report, ms. */
export const TAKEN_DELAY_MS = 100;
/** The same with recovery on: what was not reported when this process is killed makes offsets ambiguous. */
export const RECOVERY_TAKEN_DELAY_MS = 5;
/** But not within so long of the last report, ms: in a stream of messages each one wakes two sidecars. */
export const RECOVERY_TAKEN_PAUSE_MS = 50;

/** First and largest delay between two attempts to attach, ms; doubled each time, with jitter. */
export const RECONNECT_MIN_MS = 20;
export const RECONNECT_MAX_MS = 500;
/** Delay after a refusal, ms. */
export const REFUSED_RETRY_MS = 5_000;
/** A connection that was not welcomed after this time is cut, ms. */
export const WELCOME_TIMEOUT_MS = 5_000;
/** A sidecar that was silent for this time is cut, ms (it pings every second). */
export const IDLE_TIMEOUT_MS = 10_000;
/** How often that is looked at, ms. */
export const SILENCE_CHECK_MS = 2_500;
/** Default of `detachedGrace`: the last known peers stay for this time without a sidecar, ms. */
export const DETACHED_GRACE_MS = 3_000;
/** Longest wait for the last bytes when the adapter is closed, ms. */
export const CLOSE_TIMEOUT_MS = 500;

/** Longest wait of an awaited join, ms. */
export const SYNC_TIMEOUT_MS = 1_000;
/** Bytes after which an INTEREST frame is closed and the next one begun. */
export const INTEREST_FRAME_BYTES = 60 * 1024;

/** Default of `requestTimeout`, ms: fetchSockets() and serverSideEmit() with an acknowledgement. */
export const REQUEST_TIMEOUT_MS = 5_000;
/** Longest life of an acknowledgement request, at either end, ms. */
export const MAX_ACK_MS = 10 * 60 * 1000;
/** Own requests that wait at one time; beyond it a new one fails at once. */
export const MAX_PENDING_REQUESTS = 65_536;
/** Acknowledgement requests of others that wait for clients here; beyond it the oldest ends. */
export const MAX_SERVED_REQUESTS = 65_536;
/** A fetchSockets answer goes in parts of at most so many sockets, halved while above so many bytes. */
export const FETCH_PART_SOCKETS = 256;
export const FETCH_PART_BYTES = 1024 * 1024;

/** Encoded room names kept, per namespace, in each of two generations. */
export const ROUTE_CACHE_ENTRIES = 4096;
/** Decoded routes kept (a power of two), and the longest section that is kept, in bytes. */
export const ROUTE_TABLE_ENTRIES = 1024;
export const ROUTE_TABLE_SECTION_BYTES = 1024;

/** Members of the mesh, and namespaces of one of them, that are followed. */
export const MAX_MEMBERS = 65_536;
export const MAX_MEMBER_NAMESPACES = 65_536;
/** Publishing members whose highest taken sequence is remembered. */
export const MAX_ORIGINS = 65_536;
/** How long it is remembered after the member is down, ms. */
export const ORIGIN_MEMORY_MS = 10 * 60 * 1000;

/** A log line about one kind of trouble is followed by the next one after this time at the earliest, ms. */
export const LOG_INTERVAL_MS = 1_000;

/** Chunks in one encoded packet. */
export const MAX_CHUNKS = 65_536;
/** Nesting of a value (arguments, answers, socket.data). */
export const MAX_VALUE_DEPTH = 512;

/** Restores that are asked for at one time; beyond it a client gets a new session. */
export const MAX_PENDING_RESTORES = 65_536;
/** Longest wait for the sidecar's word on a session, ms; then the client gets a new one. */
export const RESTORE_TIMEOUT_MS = 5_000;
/** Restores that were given up and may still be answered: they are declined then. */
export const MAX_GIVEN_UP_RESTORES = 4_096;
/** Characters of a pid or an offset that a client may ask with. */
export const MAX_SESSION_KEY_CHARS = 128;
/** What is kept in a namespace for sockets that are being restored, in bytes; beyond it the oldest begin anew. */
export const REMEMBERED_BYTES = 64 * 1024 * 1024;
/** How long a message that was replayed to a socket may still come here, ms: twenty times the default `link.hold`. */
export const LATE_MARKS_MS = 10 * 60 * 1000;
/** How often socket.data is compared with what the sidecar knows, ms, and of how many sockets at a time. */
export const DATA_CHECK_MS = 1_000;
export const DATA_CHECK_SOCKETS = 2_000;
