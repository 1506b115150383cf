// Protocol objects as value trees: units in the names, times as text and as seconds, features by name.
#pragma once

#include <string>
#include <string_view>

#include "effects/value.h"
#include "onion/message_contents.h"
#include "onion/payment_onion.h"
#include "onion/route_blinding.h"
#include "wire/blinded_path.h"
#include "wire/features.h"

namespace doze::toolbox {

/// NAME as text, NAME_unix in seconds since 1970.
void set_time(Value& out, const std::string& name, UnixTime time);
/// "17 basic_mpp optional", one per bit; an even bit is compulsory. BOLT 9.
[[nodiscard]] Value show(const wire::FeatureBits& features);
[[nodiscard]] std::string show(ShortChannelId scid);  // "600x2x1"
/// "regtest (06226e46…)" in full; the hash alone for a chain that we do not know.
[[nodiscard]] std::string show(const ChainHash& chain);
[[nodiscard]] Value show(const wire::BlindedPath& path);
[[nodiscard]] Value show(const std::vector<wire::BlindedPath>& paths);
[[nodiscard]] Value show(const wire::BlindedPayInfo& info);
[[nodiscard]] Value show(const onion::RecipientData& data);
[[nodiscard]] Value show(const onion::Payload& payload);
[[nodiscard]] Value show(const onion::MessageContents& contents);
/// Fields of `more` behind those of `to`.
void join(Value& to, const Value& more);

}  // namespace doze::toolbox
