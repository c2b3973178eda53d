#include "tests/sim/ledger.hpp"

#include <algorithm>
#include <cstring>

namespace socketmesh::sim {

namespace {

// A message is at its publisher's sidecar by then, and a word of that one read: the longest spike
// and a little more.
constexpr TimeUs kOnTheWay = 420 * kMillisecondUs;

std::uint64_t digest_of(const Data& data) {
  std::uint64_t hash = (static_cast<std::uint64_t>(data.kind) << 8U) | data.flags;
  const auto mix = [&hash](std::string_view text) {
    hash = (hash ^ text.size()) * 0x9ddfea08eb382d69U;
    for (std::size_t i = 0; i < text.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, std::min<std::size_t>(8, text.size() - i));
      hash = (hash ^ word) * 0x9ddfea08eb382d69U;
      hash ^= hash >> 29U;
    }
  };
  mix(data.nsp);
  for (const auto& room : data.rooms) mix(room);
  mix("|");
  for (const auto& room : data.except) mix(room);
  mix(data.body);
  return hash;
}

std::string describe(const Data& data) {
  std::string text = "route " + std::to_string(static_cast<int>(data.route)) + " flags " +
                     std::to_string(data.flags) + " nsp " + data.nsp + " rooms";
  for (const auto& room : data.rooms) text += " " + room;
  if (!data.joins.empty()) text += " joins " + data.joins.front();
  return text + ", " + std::to_string(data.body.size()) + " bytes";
}

std::string pair_text(std::uint32_t from, const SimApp& to, std::uint64_t seq) {
  return "message " + std::to_string(seq) + " of app " + std::to_string(from) + " to " +
         to.describe();
}

}  // namespace

void Ledger::add(SimApp& app) {
  if (books_.size() <= app.number()) books_.resize(app.number() + 1);
  books_[app.number()].app = &app;
  numbers_[app.id()] = app.number();
}

void Ledger::gone(SimApp& app) {
  books_[app.number()].owed.clear();
  for (Book& book : books_) {
    book.owed.erase(app.number());
    book.missing.erase(app.number());
  }
}

std::uint64_t Ledger::missing_at(const SimApp& app) const {
  std::uint64_t total = 0;
  for (const auto& [from, count] : books_.at(app.number()).missing) total += count;
  return total;
}

bool Ledger::knows(const SimApp& from, const SimApp& to, const std::string& nsp) const {
  if (!to.acknowledged(from.home().id(), 0, nsp, {})) return false;
  if (from.sees(to.id(), nsp)) return true;
  const auto& downs = from.downs();
  const bool was_told_down = std::any_of(downs.begin(), downs.end(),
                                         [&to](const auto& down) { return down.first == to.id(); });
  const bool met =
      !from.greeted() || to.acknowledged_when(from.home().id()) >= from.attached_when();
  return met && !was_told_down && from.connected() && from.home().running() &&
         to.acknowledged(from.home().id(), from.home().epoch(), nsp, {});
}

bool Ledger::was_given_up(const SimApp& from, const SimApp& to) const {
  if (gaps_forbidden_ || &from.home() == &to.home() || !from.home().running()) return false;
  if (from.home().links().contains(to.home().id())) return false;
  const std::string id = wire::member_id_text(to.id());
  const auto members = from.home().status().members;
  return std::none_of(members.begin(), members.end(),
                      [&id](const auto& member) { return member.id == id; });
}

bool Ledger::is_owed(SimApp& from, SimApp& to, const Data& data) const {
  if (&from == &to || !to.alive() || was_given_up(from, to)) return false;
  // Until it is known to be back.
  if (books_[to.number()].cut && to.acknowledged_when(from.home().id()) == 0) return false;
  switch (data.route) {
    case Route::kMember:
      return data.destination == to.id() && from.sees(to.id(), "");
    case Route::kMesh:
      return from.sees(to.id(), "");
    case Route::kNamespace:
      return to.namespaces().contains(data.nsp) && knows(from, to, data.nsp);
    case Route::kRooms:
      break;
  }
  if (!to.namespaces().contains(data.nsp) || !knows(from, to, data.nsp)) return false;
  if (data.rooms.empty()) return true;
  if (to.acknowledged(from.home().id(), 0, data.nsp, data.rooms)) return true;
  return std::any_of(data.rooms.begin(), data.rooms.end(), [&](const std::string& room) {
    return provisional_.contains({from.number(), to.number(), data.nsp, room}) &&
           from.sees(to.id(), data.nsp);
  });
}

void Ledger::published(SimApp& app, const Data& data) {
  if (data.kind == Kind::kGap) {
    gaps_.insert(digest_of(data) ^ data.seq);
    return;
  }
  stats_.add(Stat::kPublished);
  auto sent = std::make_shared<Sent>();
  sent->seq = data.seq;
  sent->nsp = data.nsp;
  sent->rooms = data.rooms;
  sent->joins = data.joins;
  sent->digest = digest_of(data);
  sent->when = trace_.now();
  books_[app.number()].sent.resize(data.seq);
  books_[app.number()].sent[data.seq - 1] = sent;
  trace_.note("publish: app, seq, kind", app.number(), data.seq,
              static_cast<std::uint64_t>(data.kind));
  if (trace_.verbose()) trace_.text("  what app publishes", app.number(), describe(data));
  // Consumed by a sidecar, or shed at will: nobody is owed it.
  if ((data.flags & (kFlagRelease | kFlagVolatile)) != 0) return;
  for (Book& book : books_) {
    if (book.app == nullptr || !is_owed(app, *book.app, data)) continue;
    book.owed[app.number()].push_back(sent);
    stats_.add(Stat::kDue);
    if ((data.flags & kFlagProvisional) == 0) continue;
    for (const auto& room : data.joins)
      provisional_.insert({app.number(), book.app->number(), data.nsp, room});
  }
}

void Ledger::received(SimApp& app, const Data& data, bool duplicate) {
  Book& book = books_[app.number()];
  const auto number = numbers_.find(data.origin);
  if (number == numbers_.end())
    throw Violation("what arrives was sent", app.describe() + ": unknown origin");
  const Book& from = books_[number->second];
  const bool gap = data.kind == Kind::kGap && gaps_.contains(digest_of(data) ^ data.seq);
  const bool known =
      data.seq >= 1 && data.seq <= from.sent.size() && from.sent[data.seq - 1] != nullptr;
  if (!gap && (!known || from.sent[data.seq - 1]->digest != digest_of(data))) {
    throw Violation("what arrives was sent", pair_text(number->second, app, data.seq));
  }
  if (duplicate) {
    stats_.add(Stat::kDuplicatesDropped);
    if (!duplicates_allowed_)
      throw Violation("no duplicate", pair_text(number->second, app, data.seq));
    return;
  }
  stats_.add(Stat::kDelivered);
  if ((data.flags & kFlagVolatile) != 0) stats_.add(Stat::kVolatileDelivered);
  ++book.received;
  const auto owed = book.owed.find(number->second);
  if (owed == book.owed.end()) return;
  while (!owed->second.empty() && owed->second.front()->seq <= data.seq) {
    const auto sent = owed->second.front();
    owed->second.pop_front();
    if (sent->seq < data.seq) miss(book, number->second, *sent, "in order and without loss");
  }
}

void Ledger::miss(Book& to, std::uint32_t from, const Sent& sent, const char* rule) {
  trace_.note("missed: app, publisher, seq", to.app->number(), from, sent.seq);
  // Rule f, before the publisher has read of it.
  const SimApp& publisher = *books_[from].app;
  const MemberId receiver = to.app->id();
  if (publisher.sees(receiver, "") && !publisher.confirmed(receiver)) return;
  if (!gaps_forbidden_ && !publisher.reading()) return;  // likewise rule h
  stats_.add(Stat::kMessagesMissing);
  ++to.missing[from];
  if (gaps_forbidden_ && !to.cut) throw Violation(rule, pair_text(from, *to.app, sent.seq));
}

void Ledger::taken_by_all(SimApp& app, std::uint64_t seq) {
  trace_.note("TAKEN: app, seq", app.number(), seq);
  books_[app.number()].taken = seq;
  // A window that is full forgets what the peer's sidecar has: it may still arrive, and is lost
  // only with that sidecar.
  if (!gaps_forbidden_) return;
  for (Book& book : books_) {
    const auto owed = book.owed.find(app.number());
    if (owed == book.owed.end()) continue;
    while (!owed->second.empty() && owed->second.front()->seq <= seq) {
      const auto sent = owed->second.front();
      owed->second.pop_front();
      miss(book, app.number(), *sent, "TAKEN means taken by every member");
    }
  }
}

void Ledger::declared(SimApp& app, std::uint64_t messages) {
  stats_.add(Stat::kGapsDeclared);
  stats_.add(Stat::kMessagesDeclaredLost, messages);
  books_[app.number()].declared += messages;
  if (gaps_forbidden_ && !books_[app.number()].cut)
    throw Violation("no gap", app.describe() + " was told of " + std::to_string(messages));
}

template <typename Predicate>
void Ledger::forgive(Book& to, Predicate&& predicate) {
  for (auto& [from, owed] : to.owed) {
    // With a SOCKETS_JOIN goes what follows into the rooms that it would have joined.
    std::set<std::string> not_joined;
    std::erase_if(owed, [&](const auto& sent) {
      const bool followed =
          std::any_of(sent->rooms.begin(), sent->rooms.end(),
                      [&](const std::string& room) { return not_joined.contains(room); });
      if (!followed && !predicate(*sent)) return false;
      for (const auto& room : sent->joins) {
        not_joined.insert(room);
        provisional_.erase({from, to.app->number(), sent->nsp, room});
      }
      return true;
    });
  }
}

void Ledger::room_left(SimApp& app, const std::string& nsp, const std::string& room) {
  forgive(books_[app.number()], [&](const Sent& sent) {
    return sent.nsp == nsp &&
           std::find(sent.rooms.begin(), sent.rooms.end(), room) != sent.rooms.end();
  });
  std::erase_if(provisional_, [&](const auto& one) {
    return std::get<1>(one) == app.number() && std::get<2>(one) == nsp && std::get<3>(one) == room;
  });
}

void Ledger::namespace_left(SimApp& app, const std::string& nsp) {
  forgive(books_[app.number()], [&](const Sent& sent) { return sent.nsp == nsp; });
  std::erase_if(provisional_, [&](const auto& one) {
    return std::get<1>(one) == app.number() && std::get<2>(one) == nsp;
  });
}

void Ledger::member_down(SimApp& app, MemberId member, bool confirmed) {
  const auto number = numbers_.find(member);
  if (number == numbers_.end()) return;  // not a model app: a test's raw client
  const SimApp& other = *books_[number->second].app;
  Owed& owed = books_[number->second].owed[app.number()];
  if (!confirmed) owed.clear();
  const bool here = &app.home() == &other.home();
  if (here || app.home().links().contains(other.home().id())) {
    const TimeUs since = app.read_before() - kOnTheWay;
    std::erase_if(owed, [since](const auto& sent) { return sent->when >= since; });
  }
  // Provisional interest ends with the member; should it come back, its joins count as any others.
  std::erase_if(provisional_, [&](const auto& one) {
    return std::get<0>(one) == app.number() && std::get<1>(one) == number->second;
  });
}

void Ledger::attaching(SimApp& app) {
  Book& own = books_[app.number()];
  if (own.cut_epoch != 0 && own.cut_epoch != app.home().epoch()) own.owed.clear();
  own.cut_epoch = 0;
  if (app.totals().attachments > 1) {
    allow_duplicates();  // what it retained is written again
    const std::uint64_t taken = books_[app.number()].taken;
    for (Book& book : books_) {
      book.missing.erase(app.number());
      const auto owed = book.owed.find(app.number());
      if (owed == book.owed.end()) continue;
      std::erase_if(owed->second, [taken](const auto& sent) { return sent->seq <= taken; });
    }
  }
  for (Book& book : books_) {
    if (book.app != nullptr && !app.sees(book.app->id(), "")) book.owed.erase(app.number());
  }
}

void Ledger::connection_cut(SimApp& app) {
  allow_duplicates();
  Book& book = books_[app.number()];
  book.cut = true;
  book.cut_epoch = app.home().epoch();
  // What its publishers' sidecars have yet to read may meet the word on its way.
  for (auto& [from, owed] : book.owed) {
    const std::uint64_t reached = books_[from].app->reached();
    std::erase_if(owed, [reached](const auto& sent) { return sent->seq > reached; });
  }
}

std::size_t Ledger::owed() const {
  std::size_t count = 0;
  for (const Book& book : books_) {
    if (book.cut) continue;
    for (const auto& [from, owed] : book.owed) count += owed.size();
  }
  return count;
}

std::string Ledger::first_owed() const {
  for (const Book& book : books_) {
    if (book.cut) continue;
    for (const auto& [from, owed] : book.owed) {
      if (!owed.empty()) return pair_text(from, *book.app, owed.front()->seq);
    }
  }
  return {};
}

void Ledger::judge() const {
  for (const Book& book : books_) {
    if (book.app == nullptr || !book.app->alive()) continue;
    std::uint64_t missing = missing_at(*book.app);
    for (const auto& [from, owed] : book.owed) missing += owed.size();
    if (missing > book.declared) {
      throw Violation("every gap is declared",
                      book.app->describe() + ": " + std::to_string(missing) + " missing, " +
                          std::to_string(book.declared) + " declared; " + first_owed());
    }
  }
}

}  // namespace socketmesh::sim
