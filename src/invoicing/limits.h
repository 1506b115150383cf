// What this room bounds, each with its reason: doc/LIMITS.md.
#pragma once

#include "effects/limits.h"

namespace doze::invoicing {

/// Bytes of request that fit into a payment onion besides two ordinary hops, the blinded tail and the preimage.
inline constexpr std::size_t kMaxAsyncRequestBytes = 800;
inline constexpr std::size_t kMaxAsyncDescriptionBytes = 200;
/// Offers are kept in memory and shown in one table.
inline constexpr std::size_t kMaxOffers = 10'000;
/// One per recipient; also kept in memory and shown in one table.
inline constexpr std::size_t kMaxInvitations = 100'000;
/// Bytes of static invoices that we serve, all in memory: room for 100,000 recipients with five of the usual invoices.
/// Recipients choose the size of theirs, and how many of kSlotsPerRecipient they use.
inline constexpr std::size_t kMaxServedBytes = std::size_t{1} << 30;
/// The same request is forwarded to the recipient at most as often as payers repeat theirs: its path may lead to
/// another server, whose path leads back.
inline constexpr std::uint64_t kPassOnAgainMs = 2'500;
/// Bytes of answers to strangers' requests. Above 1,300 bytes an answer fills an onion message of 32 KiB, and the
/// stranger chooses where its path begins: one such answer at once, then twice the size of its requests, which payers
/// repeat every 3 s. The other two numbers are for all strangers together.
inline constexpr std::uint64_t kSmallAnswerBytes = 1'366, kLargeAnswerBytes = 32'834;
inline constexpr std::uint64_t kStrangersFirstAnswerBytes = kLargeAnswerBytes, kAnswerBytesPerRequestByte = 2;
inline constexpr std::uint64_t kAnswersBurstBytes = 2'097'152, kAnswersBytesPerS = 262'144;
/// Bytes that fit into a small onion message besides the layers of the reply path.
inline constexpr std::size_t kSmallAnswerContents = 1'024;
/// A payer gives up without an invoice after this time; meanwhile it repeats its request.
inline constexpr std::uint64_t kInvoiceWaitMs = 60'000;
inline constexpr std::uint64_t kInvoiceRepeatMs = 3'000;
/// How long createoffer --async waits for the server's acknowledgement; it repeats its message meanwhile.
inline constexpr std::uint64_t kServeWaitMs = 60'000;
inline constexpr std::uint64_t kServeRepeatMs = 3'000, kServeRepeatMaxMs = 300'000;
/// Minimum remaining life of a server's paths for an offer: a shorter one would expire before it is handed out.
inline constexpr std::uint64_t kLeastOfferLifeS = 600;
/// A withdrawn offer's slot holds an unpayable invoice that expires soon; then the slot accepts another offer. Not at
/// once, because the server's clock may be ahead, and it does not accept an expired invoice.
inline constexpr std::uint32_t kWithdrawnLifeS = 3'600;
/// How long asyncjoin, asyncleave and disableoffer wait for the server's answer; a later answer still counts.
inline constexpr std::uint64_t kServerWordMs = 10'000;
/// A static invoice is renewed when this part of its life has passed.
inline constexpr std::uint32_t kRenewAfterPart = 8;
/// How often, while online, we check whether an invoice is due for renewal or names channels that no longer exist. Also
/// the least time between two invoices made for changed channels, which may open and close often.
inline constexpr std::uint64_t kServedCheckMs = 600'000;
/// After a channel opens or closes we check again once the others have had time to do the same.
inline constexpr std::uint64_t kChannelsSettleMs = 30'000;
/// The contents of an invoice are checked as soon as a channel is usable, and again when the peers have had time to
/// send their channel_updates: an app may be awake for only some seconds.
inline constexpr std::uint64_t kUpdatesSettleMs = 2'000;

}  // namespace doze::invoicing
