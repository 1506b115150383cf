// Reading vectors/bitcoin.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "bitcoin/transaction.h"

namespace doze::bitcoin {

namespace json = boost::json;

inline json::value load_vectors(const std::string& file) {
  std::ifstream in(std::string(DOZE_VECTORS "/bitcoin/") + file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(text.empty()) << file;
  return json::parse(text);
}
inline json::array load_list(const std::string& file) {
  auto all = load_vectors(file);
  return all.as_array();
}
inline std::string text_at(const json::value& object, const char* key) {
  return std::string(object.at(key).as_string());
}
inline Bytes hex_at(const json::value& object, const char* key) {
  return hex(text_at(object, key));
}
inline std::uint64_t number_at(const json::value& object, const char* key) {
  return object.at(key).to_number<std::uint64_t>();
}
inline std::vector<TxOut> spent_at(const json::value& object, const char* key, const char* amount_key = "amount",
                                   const char* script_key = "script_pubkey") {
  std::vector<TxOut> out;
  for (const auto& entry : object.at(key).as_array())
    out.push_back({Sat(number_at(entry, amount_key)), hex_at(entry, script_key)});
  return out;
}

}  // namespace doze::bitcoin
