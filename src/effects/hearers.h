// Which machine handles a command, a peer's message, or the contents of an onion message: closed groups. The corridor
// routes by them; each machine handles its own group and refuses the others by name. A new type is in no group. Until
// it is in one, the corridor does not compile; until its machine handles it, that machine does not compile.
#pragma once

#include <type_traits>

#include "effects/commands.h"
#include "onion/message_contents.h"
#include "wire/messages.h"

namespace doze {

template <class T, class... Group>
concept OneOf = (std::is_same_v<T, Group> || ...);
template <class T>
inline constexpr bool kInNoGroup = false;  // depends on T, so that a static_assert fails only where it is reached

// ---- commands ----
template <class T>
concept NodeCommand = OneOf<T, command::GetInfo, command::Stop>;
template <class T>
concept PeerCommand = OneOf<T, command::Connect, command::Disconnect, command::ListPeers>;
template <class T>
concept ChannelCommand = OneOf<T, command::ListChannels, command::CloseChannel>;
/// From the wallet, OpenChannel goes on to the channels, as OpenChannelNow.
template <class T>
concept WalletCommand = OneOf<T, command::NewAddress, command::ListFunds, command::SendToAddress, command::OpenChannel>;
template <class T>
concept InvoicingCommand = OneOf<T, command::CreateOffer, command::ListOffers, command::DisableOffer,
                                 command::AsyncInvite, command::ListInvitations, command::RevokeInvitation,
                                 command::AsyncJoin, command::AsyncLeave, command::ListStaticInvoices>;
template <class T>
concept PaymentCommand = OneOf<T, command::CreateInvoice, command::ListInvoices, command::Pay, command::CancelPayment,
                               command::ListPayments, command::GetPayment, command::WaitPayment>;
template <class T>
concept ForwardingCommand = OneOf<T, command::ListForwards, command::ListHolds, command::FailHold>;
template <class T>
concept OnionMessageCommand = OneOf<T, command::ListMailboxes>;

// ---- messages of peers ----
/// Handled by the room peer itself.
template <class T>
concept ConnectionMessage = OneOf<T, wire::Init, wire::Ping, wire::Pong, wire::UnknownMessage>;
/// Before a channel has its channel_id (BOLT 2, "Channel Establishment v1").
template <class T>
concept OpeningMessage = OneOf<T, wire::OpenChannel, wire::AcceptChannel, wire::FundingCreated, wire::FundingSigned>;
/// About one channel, by its channel_id.
template <class T>
concept OneChannelMessage =
    OneOf<T, wire::ChannelReady, wire::Shutdown, wire::ClosingSigned, wire::UpdateAddHtlc, wire::UpdateFulfillHtlc,
          wire::UpdateFailHtlc, wire::UpdateFailMalformedHtlc, wire::CommitmentSigned, wire::RevokeAndAck,
          wire::UpdateFee, wire::ChannelReestablish, wire::AnnouncementSignatures>;
template <class T>
concept ChannelMessage = OpeningMessage<T> || OneChannelMessage<T> || OneOf<T, wire::Error, wire::Warning>;
template <class T>
concept GossipMessage =
    OneOf<T, wire::ChannelAnnouncement, wire::NodeAnnouncement, wire::ChannelUpdate, wire::QueryShortChannelIds,
          wire::ReplyShortChannelIdsEnd, wire::QueryChannelRange, wire::ReplyChannelRange, wire::GossipTimestampFilter>;

// ---- contents of onion messages ----
template <class T>
concept PaymentContents = OneOf<T, onion::HeldHtlcAvailable, onion::ReleaseHeldHtlc>;
/// Goes to both rooms: its path is either a holder's or that of a payer that stays online. Each room tries to open the
/// path's context as its own.
template <class T>
concept ForwardingContents = OneOf<T, onion::ReleaseHeldHtlc>;
template <class T>
concept InvoicingContents =
    OneOf<T, onion::InvoiceRequest, onion::Invoice, onion::InvoiceError, onion::StaticInvoice, onion::OfferPathsRequest,
          onion::OfferPaths, onion::ServeStaticInvoice, onion::StaticInvoicePersisted>;

}  // namespace doze
