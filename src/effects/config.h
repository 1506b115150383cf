// What the operator decided, as plain values. The room app reads and checks the file; the machines only read these.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "wire/address.h"
#include "wire/chains.h"
#include "wire/numbers.h"

namespace doze {

/// A client is a wallet on a phone or desktop: its channels are private, its LSP holds the async HTLCs that it sends,
/// and it receives through a static-invoice server. A server is announced, forwards, holds for others, keeps mailboxes
/// and serves static invoices.
enum class Role : std::uint8_t { Client, Server };

struct FeePolicy {
  Msat fee_base{1000};
  std::uint32_t fee_proportional_millionths = 100;
  CltvDelta cltv_expiry_delta{72};
  Msat htlc_minimum{1};
};

struct Config {
  wire::Network network = wire::Network::Regtest;
  Role role = Role::Client;
  std::string alias;
  std::vector<wire::NetworkAddress> announced_addresses;

  /// Which hold features a server announces: both (bits 153 and 53), unless `profile` is set. ADR 9.
  bool offers_ldk_hold = true;
  bool offers_draft_hold = true;
  /// Profile of the static invoices that we make as a recipient, and of the slots that we ask servers for.
  Profile recipient_profile = Profile::Ldk;

  FeePolicy fees;
  bool anchors = true;              // prefer anchors_zero_fee_htlc_tx, else static_remotekey
  std::uint32_t minimum_depth = 3;  // confirmations before channel_ready
  std::uint16_t to_self_delay = 144;
  std::uint32_t hold_window_blocks = 144;  // 0: never hold; else 6 to 1,008
  /// A client that has announced a held payment over a relay also dials the recipient's server, because only the
  /// server itself can confirm that it has the announcement. The server then knows our node id and address.
  bool dial_to_confirm = true;
  std::uint32_t static_invoice_expiry_s = 1'209'600;
  std::uint32_t offer_paths_expiry_s = 31'536'000;
  /// Default limit of a payment's routing fee, in millionths of the amount, but never below max_fee_floor.
  std::uint32_t max_fee_ppm = 10'000;
  Msat max_fee_floor{10'000};
  FeeratePerKw feerate_floor{253};
  FeeratePerKw default_feerate{2'500};
};

}  // namespace doze
