// What the operator decided. Plain values: floor 9 reads the file and checks it, the machines only read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "wire/address.h"
#include "wire/chains.h"
#include "wire/numbers.h"

namespace doze {

/// Client: a phone or desktop wallet. Private channels, holds its outgoing async HTLCs at its LSP, receives through a
/// static-invoice server. Server: announced, forwards, holds for others, keeps mailboxes, serves static invoices.
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

  /// Link profiles that a holding node offers: both, 153 and 53, unless `profile` is set (ADR 9).
  bool offers_ldk_hold = true;
  bool offers_draft_hold = true;
  /// Profile of the static invoices that we make as recipient, and of slots that we ask for.
  Profile recipient_profile = Profile::Ldk;

  FeePolicy fees;
  bool anchors = true;              // prefer anchors_zero_fee_htlc_tx, else static_remotekey
  std::uint32_t minimum_depth = 3;  // confirmations before channel_ready
  std::uint16_t to_self_delay = 144;
  std::uint32_t hold_window_blocks = 144;  // 0: never hold; else 6 to 1,008
  /// A client that has announced a held payment over a relay dials the recipient's server as well, to have it from
  /// itself that the announcement was taken. It tells that server who and where we are.
  bool dial_to_confirm = true;
  std::uint32_t static_invoice_expiry_s = 1'209'600;
  std::uint32_t offer_paths_expiry_s = 31'536'000;
  std::uint32_t max_fee_ppm = 10'000;  // default routing-fee limit of a payment, at least max_fee_floor
  Msat max_fee_floor{10'000};
  FeeratePerKw feerate_floor{253};
  FeeratePerKw default_feerate{2'500};
};

}  // namespace doze
