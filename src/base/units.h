// Units in types. Conversions are by name; arithmetic between different units does not compile.
//
// Amounts: + and - abort on overflow (our own sums never overflow: every amount taken from outside is first checked
// with is_money()); add()/sub() give nullopt instead, for numbers from outside.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "base/check.h"

namespace doze {

/// A number with a meaning. Comparable with its own kind only.
template <class Tag, class Rep>
class Number {
 public:
  using rep = Rep;
  constexpr Number() = default;
  constexpr explicit Number(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Number, Number) = default;

 private:
  Rep value_ = 0;
};

using FeeratePerKw = Number<struct FeeratePerKwTag, std::uint32_t>;  // satoshi per 1000 weight units
using BlockHeight = Number<struct BlockHeightTag, std::uint32_t>;
using CltvExpiry = Number<struct CltvExpiryTag, std::uint32_t>;  // absolute block height
using CltvDelta = Number<struct CltvDeltaTag, std::uint32_t>;    // a number of blocks
using MonoTime = Number<struct MonoTimeTag, std::uint64_t>;      // milliseconds, starts anywhere, never goes back
using UnixTime = Number<struct UnixTimeTag, std::uint64_t>;      // seconds since 1970

/// Whole satoshi or millisatoshi. kMaxMoney is 21 million bitcoin in that unit.
template <class Tag, std::uint64_t kMaxMoney>
class Amount : public Number<Tag, std::uint64_t> {
 public:
  using Number<Tag, std::uint64_t>::Number;
  [[nodiscard]] constexpr bool is_money() const { return this->value() <= kMaxMoney; }
  [[nodiscard]] static constexpr Amount max_money() { return Amount(kMaxMoney); }

  [[nodiscard]] friend constexpr std::optional<Amount> add(Amount a, Amount b) {
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(a.value(), b.value(), &sum)) return std::nullopt;
    return Amount(sum);
  }
  [[nodiscard]] friend constexpr std::optional<Amount> sub(Amount a, Amount b) {
    if (b.value() > a.value()) return std::nullopt;
    return Amount(a.value() - b.value());
  }
  /// a - b, or zero.
  [[nodiscard]] friend constexpr Amount sub_or_zero(Amount a, Amount b) {
    return a.value() > b.value() ? Amount(a.value() - b.value()) : Amount(0);
  }
  friend constexpr Amount operator+(Amount a, Amount b) {
    auto sum = add(a, b);
    LN_ASSERT(sum.has_value());
    return *sum;
  }
  friend constexpr Amount operator-(Amount a, Amount b) {
    auto difference = sub(a, b);
    LN_ASSERT(difference.has_value());
    return *difference;
  }
  constexpr Amount& operator+=(Amount other) { return *this = *this + other; }
  constexpr Amount& operator-=(Amount other) { return *this = *this - other; }
};

using Msat = Amount<struct MsatTag, 2'100'000'000'000'000'000ULL>;
using Sat = Amount<struct SatTag, 2'100'000'000'000'000ULL>;

/// Whole satoshi of an amount; the rest below one satoshi is dropped.
[[nodiscard]] constexpr Sat to_sat_floor(Msat amount) {
  return Sat(amount.value() / 1000);
}
/// Aborts beyond 2^64 msat: check is_money() first on outside data.
[[nodiscard]] constexpr Msat to_msat(Sat amount) {
  LN_ASSERT(amount.value() <= UINT64_MAX / 1000);
  return Msat(amount.value() * 1000);
}

[[nodiscard]] constexpr CltvExpiry operator+(CltvExpiry expiry, CltvDelta delta) {
  return CltvExpiry(expiry.value() + delta.value());
}
[[nodiscard]] constexpr CltvExpiry operator+(BlockHeight height, CltvDelta delta) {
  return CltvExpiry(height.value() + delta.value());
}
[[nodiscard]] constexpr CltvDelta operator+(CltvDelta a, CltvDelta b) {
  return CltvDelta(a.value() + b.value());
}
/// Blocks from `height` to `expiry`, zero if it has passed.
[[nodiscard]] constexpr CltvDelta blocks_until(CltvExpiry expiry, BlockHeight height) {
  return CltvDelta(expiry.value() > height.value() ? expiry.value() - height.value() : 0);
}
/// expiry - delta as a height, never below zero.
[[nodiscard]] constexpr BlockHeight blocks_before(CltvExpiry expiry, CltvDelta delta) {
  return BlockHeight(expiry.value() > delta.value() ? expiry.value() - delta.value() : 0);
}
[[nodiscard]] constexpr MonoTime after_ms(MonoTime time, std::uint64_t ms) {
  return MonoTime(time.value() + ms);
}
[[nodiscard]] constexpr UnixTime after_s(UnixTime time, std::uint64_t s) {
  return UnixTime(time.value() > UINT64_MAX - s ? UINT64_MAX : time.value() + s);
}

/// block height (3 bytes) x transaction index (3 bytes) x output index (2 bytes). BOLT 7, "Definition of
/// short_channel_id". Aliases (BOLT 2, option_scid_alias) use the same type.
class ShortChannelId : public Number<struct ShortChannelIdTag, std::uint64_t> {
 public:
  using Number::Number;
  [[nodiscard]] static constexpr ShortChannelId of(std::uint32_t block, std::uint32_t tx, std::uint16_t output) {
    return ShortChannelId((std::uint64_t{block} << 40) | (std::uint64_t{tx} << 16) | output);
  }
  [[nodiscard]] constexpr std::uint32_t block() const { return static_cast<std::uint32_t>(value() >> 40); }
  [[nodiscard]] constexpr std::uint32_t tx() const { return static_cast<std::uint32_t>((value() >> 16) & 0xffffff); }
  [[nodiscard]] constexpr std::uint16_t output() const { return static_cast<std::uint16_t>(value() & 0xffff); }
};

}  // namespace doze
