// The conversations of BOLT 12 and bolts #1149 between three invoicing rooms: S pays, M serves, R receives. Bytes say
// what is asked for, which letter arrives next, twice, never, changed or with a path_id that is none of its own, who
// restarts, who is away, and how much time passes.
//
// Always: an acknowledgement leaves with the stored invoice; a slot takes only newer invoices, of its own offer while
// that lives; a forwarded request is never answered with an error; the payer gets one answer to each request, and it
// fits the offer; each command has one reply; rows can be read again and say the same; no deadline stays behind.
#include "fuzz.h"
#include "invoicing/test/fake_node.h"

using namespace doze;
using namespace doze::invoicing;
using namespace doze::invoicing::testing;

namespace {

constexpr std::size_t kMostOperations = 200, kMostLetters = 64;

struct Letter {
  FakeNode* from = nullptr;
  SendOnionMessage word;
};

class Story {
 public:
  explicit Story(ByteView input) : in_(input) {}
  void run() {
    join(in_.u8());
    for (std::size_t i = 0; i < kMostOperations && in_.remaining() != 0; ++i) operation();
    for (auto* node : nodes_) pass(*node, std::max(kInvoiceWaitMs, kServeWaitMs));
    FUZZ_CHECK(asked_.empty());
    for (auto* node : nodes_) {
      FUZZ_CHECK(waiting_[node].empty());
      check_rows(*node);
    }
  }

 private:
  void operation() {
    auto code = in_.u8();
    switch (code & 15) {
      case 0:
      case 1:
      case 2:
        return deliver(code >> 4, true);
      case 3:
        return deliver(code >> 4, false);
      case 4:
        if (!letters_.empty()) letters_.erase(letters_.begin() + (code >> 4) % static_cast<long>(letters_.size()));
        return;
      case 5:
        return deliver_changed(code >> 4, in_.u8(), in_.u16());
      case 6:
        return deliver_with_path_id(code >> 4, in_.u8(), in_.u8());
      case 7:
        return ask(code >> 4);
      case 8:
        return offer(in_.u8());
      case 9:
        return join(code >> 4);
      case 10:
        return other_command(code >> 4);
      case 11:
        for (auto* node : nodes_) pass(*node, 500ULL << (2 * (code >> 4)));  // half a second to 17 years
        return;
      case 12: {
        auto& node = *nodes_[(code >> 4) % 3];
        check_rows(node);
        node.restart();
        waiting_[&node].clear();
        if (&node == &world_.s) asked_.clear();
        return;
      }
      case 13:
        return away((code & 16) != 0);
      case 14:
        return outcome(code >> 4);
      default:
        return cancel();
    }
  }

  // ---- letters ----
  [[nodiscard]] FakeNode* node(const NodeId& id) const {
    for (auto* each : nodes_)
      if (each->id == id) return each;
    return nullptr;
  }
  struct Arrived {
    FakeNode* to = nullptr;
    OnionMessageReceived word;
  };
  /// Along the path, as far as somebody can read it.
  [[nodiscard]] std::optional<Arrived> arriving(const Letter& letter) {
    auto tlv = onion::encode(letter.word.contents);
    auto contents = onion::decode_contents(tlv.type, tlv.value);
    FUZZ_CHECK(contents.has_value());
    Arrived out{nullptr, {letter.from->id, std::nullopt, letter.word.reply_path, *contents}};
    if (const auto* id = std::get_if<NodeId>(&letter.word.destination)) {
      out.to = node(*id);
    } else {
      const auto& path = std::get<wire::BlindedPath>(letter.word.destination);
      const auto* first = std::get_if<NodeId>(&path.first_node_id);
      out.to = first == nullptr ? nullptr : node(*first);
      auto point = path.first_path_key;
      for (const auto& hop : path.path) {
        if (out.to == nullptr) return std::nullopt;
        auto opened = onion::unblind(point, hop.encrypted_recipient_data,
                                     [&](const PublicKey& p) { return out.to->signer->node_ecdh(p); });
        auto data = opened ? onion::decode_recipient_data(opened->data) : fail(ParseError{});
        if (!data) return std::nullopt;
        out.word.path_id = data->path_id;
        if (data->next_node_id) out.to = node(*data->next_node_id);
        point = opened->next_path_key();
      }
    }
    if (out.to == nullptr) return std::nullopt;
    if (letter.from != &world_.m && out.to != &world_.m) out.word.from = world_.m.id;
    return out;
  }
  [[nodiscard]] const Letter* letter(std::size_t index) const {
    return letters_.empty() ? nullptr : &letters_[index % letters_.size()];
  }
  void deliver(std::size_t index, bool once) {
    const auto* which = letter(index);
    if (which == nullptr) return;
    auto copy = *which;
    if (once) letters_.erase(letters_.begin() + (which - letters_.data()));
    if (auto arrived = arriving(copy)) hear(*arrived->to, arrived->word, copy.from == &world_.m);
  }
  void deliver_changed(std::size_t index, std::uint8_t what, std::uint16_t where) {
    const auto* which = letter(index);
    if (which == nullptr) return;
    auto changed = *which;
    auto tlv = onion::encode(changed.word.contents);
    if (!tlv.value.empty()) tlv.value[where % tlv.value.size()] ^= what;
    auto contents = onion::decode_contents(tlv.type, tlv.value);
    if (!contents) return;
    changed.word.contents = *std::move(contents);
    if (auto arrived = arriving(changed)) hear(*arrived->to, arrived->word, false);
  }
  /// The path_id of another letter; or a changed one, which nobody takes.
  void deliver_with_path_id(std::size_t index, std::uint8_t other, std::uint8_t what) {
    const auto *which = letter(index), *from = letter(other);
    if (which == nullptr) return;
    auto arrived = arriving(*which), with = arriving(*from);
    if (!arrived || !with || !with->word.path_id || with->word.path_id->empty()) return;
    arrived->word.path_id = with->word.path_id;
    (*arrived->word.path_id)[what % arrived->word.path_id->size()] ^= what;
    if (what == 0)
      hear(*with->to, arrived->word, false);
    else
      FUZZ_CHECK(with->to->step(arrived->word).empty());
  }

  // ---- what a step may do ----
  void hear(FakeNode& to, const OnionMessageReceived& word, bool from_server) {
    auto before = slots();
    auto effects = to.step(word);
    if (from_server && &to == &world_.r && std::holds_alternative<onion::InvoiceRequest>(word.contents))
      FUZZ_CHECK(contents_of<onion::InvoiceError>(effects).empty());
    for (const auto& [key, old] : before) {
      auto now = world_.m.room.inside->served.find(key);
      if (now == world_.m.room.inside->served.end() || now->second.invoice == old.bytes()) continue;
      FUZZ_CHECK(now->second.created_at > old.created_at());
      FUZZ_CHECK(now->second.node_id == old.node_id() || old.expired(world_.m.wall));
    }
    if (!contents_of<onion::StaticInvoicePersisted>(effects).empty())
      check_stored(to, std::get<onion::ServeStaticInvoice>(word.contents).invoice);
    take(to, effects);
  }
  [[nodiscard]] std::map<SlotKey, offers::StaticInvoice> slots() const {
    std::map<SlotKey, offers::StaticInvoice> out;
    for (const auto& [key, served] : world_.m.room.inside->served)
      out.emplace(key, *offers::StaticInvoice::parse(served.invoice));
    return out;
  }
  static Invoicing loaded(const FakeNode& node) {
    std::vector<Row> stored;
    for (const auto& [key, value] : node.rows) stored.push_back({key.first, key.second, value});
    auto out = load(stored);
    FUZZ_CHECK(out.has_value());
    return *std::move(out);
  }
  static void check_stored(const FakeNode& node, const Bytes& invoice) {
    auto room = loaded(node);
    bool found = false;
    for (const auto& [key, served] : room.inside->served) found = found || served.invoice == invoice;
    FUZZ_CHECK(found);
  }
  static void check_rows(const FakeNode& node) {
    auto room = loaded(node);
    FUZZ_CHECK(invited(room) == invited(node.room));
    FUZZ_CHECK(invoicing::offers(room).size() == invoicing::offers(node.room).size());
    FUZZ_CHECK(room.inside->served.size() == node.room.inside->served.size());
    FUZZ_CHECK(room.inside->served_bytes == node.room.inside->served_bytes);
    FUZZ_CHECK(room.inside->joined.size() == node.room.inside->joined.size());
  }
  void take(FakeNode& from, const Effects& effects) {
    FUZZ_CHECK(contents_of<onion::StaticInvoice>(effects).empty() || contents_of<onion::InvoiceError>(effects).empty());
    for (const auto& word : of<SendOnionMessage>(effects))
      if (letters_.size() < kMostLetters) letters_.push_back({&from, word});
    for (const auto& reply : of<Reply>(effects)) FUZZ_CHECK(waiting_[&from].erase(reply.request) == 1);
    for (const auto& word : of<StaticInvoiceObtained>(effects)) {
      auto invoice = offers::StaticInvoice::parse(word.static_invoice);
      FUZZ_CHECK(invoice && !offers::check_static_invoice(*invoice, asked_.at(word.payment_id), from.wall));
      asked_.erase(word.payment_id);
    }
    for (const auto& word : of<InvoiceObtained>(effects)) {
      auto invoice = offers::Invoice::parse(word.invoice);
      auto request = offers::InvoiceRequest::parse(word.invoice_request);
      FUZZ_CHECK(invoice && request && !offers::check_invoice(*invoice, *request, from.wall));
      FUZZ_CHECK(asked_.erase(word.payment_id) == 1);
    }
    for (const auto& word : of<InvoiceFailed>(effects)) FUZZ_CHECK(asked_.erase(word.payment_id) == 1);
    from.said.clear();
  }
  void pass(FakeNode& node, std::uint64_t ms) {
    take(node, node.pass(ms));
    auto next = deadline(node.room);
    FUZZ_CHECK(!next || *next > node.mono);
  }

  // ---- what people ask for ----
  Effects command(FakeNode& node, command::Command what) {
    waiting_[&node].insert(++requests_);
    auto effects = node.command(std::move(what), requests_);
    take(node, effects);
    return effects;
  }
  void join(std::uint8_t how) {
    command::AsyncInvite invite;
    invite.profile = (how & 1) != 0 ? Profile::Draft : Profile::Ldk;
    invite.raw = (how & 2) != 0;
    if ((how & 4) != 0) invite.expiry_s = 60;
    auto replies = of<Reply>(command(world_.m, invite));
    const auto& reply = std::get<Value>(replies.at(0).result);
    invitations_.push_back(text_of(reply, "id"));
    if ((how & 8) == 0) command(world_.r, command::AsyncJoin{text_of(reply, "link")});
  }
  void offer(std::uint8_t how) {
    command::CreateOffer create;
    create.async = (how & 1) == 0;
    if ((how & 2) != 0) create.amount = Msat(50'000);
    create.description = std::string((how & 4) != 0 ? how : 6, 'a');
    if ((how & 8) != 0) create.expiry_s = 3'600;
    if ((how & 16) != 0) create.quantity_max = 3;
    if ((how & 32) != 0) create.profile = (how & 64) != 0 ? Profile::Draft : Profile::Ldk;
    command(world_.r, create);
  }
  void ask(std::size_t index) {
    const auto& own = world_.r.room.inside->own;
    if (own.empty() || asked_count_ == 255) return;
    const auto& offer = std::next(own.begin(), static_cast<long>(index % own.size()))->second.offer;
    PayerRequest request{World::payment(++asked_count_), offer, offer.amount().value_or(Msat(1'000)), std::nullopt, {}};
    if (offer.quantity_max()) request.quantity = 2;
    asked_.emplace(request.payment_id, offer);
    take(world_.s, world_.s.step(RequestInvoice{request}));
  }
  void other_command(std::size_t index) {
    const auto& own = world_.r.room.inside->own;
    switch (index % 6) {
      case 0:
        if (!own.empty()) command(world_.r, command::DisableOffer{own.begin()->first});
        return;
      case 1:
        command(world_.m, command::RevokeInvitation{invitations_.back()});
        return;
      case 2:
        if (!own.empty()) take(world_.r, world_.r.step(OfferPaid{own.begin()->first, Msat(50'000)}));
        return;
      case 3:
        command(world_.r, command::ListOffers{});
        return;
      case 4:
        command(world_.m, command::ListInvitations{});
        return;
      default:
        command(world_.m, command::ListStaticInvoices{});
    }
  }
  void away(bool back) {
    auto &m = world_.m, &r = world_.r;
    for (auto [node, peer] : {std::pair(&m, &r), std::pair(&r, &m)}) {
      if (back)
        node->see(*peer);
      else
        node->peers.erase(peer->id);
      auto& channel = node->channels.begin()->second;
      channel.usable = back;
      take(*node, back ? node->step(PeerReady{peer->id}) : node->step(PeerGone{peer->id}));
      take(*node, back ? node->step(ChannelUsable{channel.channel_id, peer->id})
                       : node->step(ChannelUnusable{channel.channel_id, peer->id}));
    }
  }
  void outcome(std::size_t index) {
    const auto* which = letter(index);
    if (which == nullptr || which->from != &world_.s) return;
    auto fate = index % 2 == 0 ? OnionMessageFate::Undeliverable : OnionMessageFate::Confirmed;
    take(world_.s, world_.s.step(OnionMessageOutcome{which->word.tag, fate}));
  }
  void cancel() {
    if (asked_.empty()) return;
    auto id = asked_.begin()->first;
    asked_.erase(id);
    take(world_.s, world_.s.step(CancelInvoiceRequest{id}));
  }

  Reader in_;
  World world_;
  FakeNode* nodes_[3] = {&world_.s, &world_.m, &world_.r};
  std::vector<Letter> letters_;
  std::map<const FakeNode*, std::set<RequestId>> waiting_;
  std::map<PaymentId, offers::Offer> asked_;
  std::vector<std::string> invitations_;
  RequestId requests_ = 0;
  std::uint8_t asked_count_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ::testing::GTEST_FLAG(break_on_failure) = true;  // the surroundings expect something, too
  Story({data, size}).run();
  return 0;
}

static fuzz::Seeds seeds() {
  constexpr std::uint8_t kDeliver = 0, kAgain = 3, kLose = 4, kChanged = 5, kPathId = 6, kAsk = 7, kOffer = 8,
                         kJoin = 9, kCommand = 10, kTime = 11, kRestart = 12, kAway = 13, kOutcome = 14, kCancel = 15;
  auto with = [](std::uint8_t operation, std::uint8_t high) {
    return static_cast<std::uint8_t>(operation | high << 4);
  };
  const Bytes serve{kOffer, 2, kDeliver, kDeliver, kDeliver, kDeliver};
  const Bytes stories[] = {
      {kAsk, kDeliver, kDeliver, kDeliver, kDeliver},
      {kAsk, kAgain, kDeliver, with(kDeliver, 1), with(kDeliver, 2), kDeliver},
      {with(kTime, 5), kDeliver, kDeliver, with(kTime, 9), kDeliver, kDeliver, kAsk, kDeliver, kDeliver},
      {kAsk, kLose, with(kTime, 2), kChanged, 1, 0, 9, kDeliver, kChanged, 1, 0, 99, kPathId, 0, 1, kDeliver},
      {kAway, kAsk, kDeliver, kDeliver, with(kAway, 1), with(kRestart, 1), with(kRestart, 2), kAsk, kDeliver, kDeliver},
      {with(kCommand, 1), kAsk, kDeliver, kDeliver, kCommand, with(kJoin, 1), kOffer, 34, kDeliver, kDeliver, kDeliver},
      {kAsk, kOutcome, with(kTime, 4), kCancel, kOffer, 3, with(kAsk, 1), kDeliver, kDeliver, with(kCommand, 2)},
      {kOffer, 4 + 64, kOffer, 28, kPathId, 1, 0, with(kDeliver, 1), kPathId, 1, 0, kDeliver, kDeliver, kDeliver},
  };
  // R asks for paths, serves, serves again without an acknowledgement, and the newer invoice arrives first.
  const Bytes overtaken{kOffer, 2, kDeliver, kDeliver, with(kTime, 2), with(kDeliver, 1), kDeliver, kAsk, kDeliver};
  fuzz::Seeds out{fuzz::with_prefix({0}, overtaken)};
  for (std::uint8_t profile : {0, 1, 2, 5})
    for (const auto& story : stories) {
      out.push_back(fuzz::with_prefix({profile}, serve));
      append(out.back(), story);
    }
  return out;
}
DOZE_FUZZ_TARGET(invoicing, 200);
