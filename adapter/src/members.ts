// The other members of the mesh that the sidecar told of, and in which namespaces they are present.
// Pure: changes come in, and the listener hears what they mean for a namespace.
import type { MemberId } from "./bytes";
import { WireError } from "./errors";
import { MAX_MEMBER_NAMESPACES, MAX_MEMBERS } from "./limits";

export interface Member {
  readonly id: MemberId;
  readonly name: string;
  readonly sidecar: string;
  readonly namespaces: Set<string>;
}

export interface PresenceListener {
  present(member: Member, nsp: string): void;
  absent(member: Member, nsp: string, reason: string): void;
}

const NOBODY: ReadonlyMap<string, Member> = new Map();

export class Members {
  private readonly all = new Map<string, Member>();
  private readonly byNsp = new Map<string, Map<string, Member>>();

  constructor(private readonly listener: PresenceListener) {}

  get size(): number {
    return this.all.size;
  }

  values(): IterableIterator<Member> {
    return this.all.values();
  }

  has(hex: string): boolean {
    return this.all.has(hex);
  }

  /** Members present in a namespace, by hex id. Not to be changed, and not kept. */
  in(nsp: string): ReadonlyMap<string, Member> {
    return this.byNsp.get(nsp) ?? NOBODY;
  }

  /** A member that is already known gets the new set of namespaces. Throws WireError past the limits. */
  up(id: MemberId, sidecar: string, name: string, namespaces: readonly string[]): void {
    const known = this.all.get(id.hex);
    if (known === undefined && this.all.size >= MAX_MEMBERS) throw new WireError("too many members");
    const member: Member = { id, name, sidecar, namespaces: known?.namespaces ?? new Set() };
    this.all.set(id.hex, member);
    const wanted = new Set(namespaces);
    for (const nsp of [...member.namespaces]) {
      if (wanted.has(nsp)) this.byNsp.get(nsp)!.set(id.hex, member);
      else this.remove(member, nsp, "left");
    }
    for (const nsp of wanted) this.add(member, nsp);
  }

  presence(hex: string, nsp: string, present: boolean): void {
    const member = this.all.get(hex);
    if (member === undefined) return;
    if (present) this.add(member, nsp);
    else this.remove(member, nsp, "left");
  }

  down(hex: string, reason: string): void {
    const member = this.all.get(hex);
    if (member === undefined) return;
    this.all.delete(hex);
    for (const nsp of [...member.namespaces]) this.remove(member, nsp, reason);
  }

  allDown(reason: string): void {
    for (const hex of [...this.all.keys()]) this.down(hex, reason);
  }

  private add(member: Member, nsp: string): void {
    if (member.namespaces.has(nsp)) return;
    if (member.namespaces.size >= MAX_MEMBER_NAMESPACES) throw new WireError("too many namespaces");
    member.namespaces.add(nsp);
    let present = this.byNsp.get(nsp);
    if (present === undefined) {
      present = new Map();
      this.byNsp.set(nsp, present);
    }
    present.set(member.id.hex, member);
    this.listener.present(member, nsp);
  }

  private remove(member: Member, nsp: string, reason: string): void {
    if (!member.namespaces.delete(nsp)) return;
    const present = this.byNsp.get(nsp)!;
    present.delete(member.id.hex);
    if (present.size === 0) this.byNsp.delete(nsp);
    this.listener.absent(member, nsp, reason);
  }
}
