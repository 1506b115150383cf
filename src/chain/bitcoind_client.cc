#include "chain/bitcoind_client.h"

#include <curl/curl.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>

#include "bitcoin/transaction.h"
#include "chain/decimal.h"

namespace doze::chain {

namespace json = boost::json;

struct BitcoindClient::Http {
  CURL* handle = nullptr;
  curl_slist* headers = nullptr;

  Http() {
    static std::once_flag once;  // curl's global initialisation is not thread-safe
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    handle = curl_easy_init();
    LN_ASSERT(handle != nullptr);
    headers = curl_slist_append(nullptr, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");  // no round trip before large bodies
  }
  ~Http() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(handle);
  }
};

struct BitcoindClient::Reply {
  json::value result;
};

namespace {

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  auto& [body, too_large] = *static_cast<std::pair<std::string*, bool*>*>(user);
  if (body->size() + size * count > kMaxReplyBytes) {
    *too_large = true;
    return 0;
  }
  body->append(data, size * count);
  return size * count;
}

int progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::atomic<bool>*>(user)->load() ? 1 : 0;
}

RpcError bad_reply(const std::string& what) {
  return {RpcErrorCode::BadReply, 0, what};
}

// Members of a reply. nullptr and nullopt if missing or of another kind.
const json::value* member(const json::value& value, const char* key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}
std::optional<std::string> text(const json::value* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto& string = value->get_string();
  return std::string(string.data(), string.size());
}
std::optional<std::uint32_t> u32(const json::value* value) {
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  auto number = value->get_int64();
  if (number < 0 || number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}
bool flag(const json::value* value) {
  return value != nullptr && value->is_bool() && value->get_bool();
}
// An amount: text after quote_decimals, or a plain integer of whole bitcoin.
std::optional<Sat> amount(const json::value* value) {
  if (auto decimal = text(value)) return parse_bitcoin(*decimal);
  if (auto whole = u32(value)) return parse_bitcoin(std::to_string(*whole));
  return std::nullopt;
}

std::optional<BlockHash> block_hash_in(const json::value* value) {
  auto shown = text(value);
  return shown ? bitcoin::parse_block_hash(*shown) : std::nullopt;
}
std::optional<Txid> txid_in(const json::value* value) {
  auto shown = text(value);
  return shown ? bitcoin::parse_txid(*shown) : std::nullopt;
}

/// "chainwork"; empty where it is missing or is not what it should be.
std::string work_in(const json::value& value) {
  auto work = text(member(value, "chainwork"));
  return work && work->size() == 64 && from_hex(*work) ? *work : "";
}

std::string quoted(const std::string& hex) {
  return '"' + hex + '"';
}

std::string call_text(std::size_t id, const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"1.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" + params + "}";
}
/// What bitcoind itself says against a call.
std::optional<RpcError> error_in(const json::value& reply) {
  const auto* failure = member(reply, "error");
  if (failure == nullptr || !failure->is_object()) return std::nullopt;
  const auto* number = member(*failure, "code");
  auto rpc_code = number != nullptr && number->is_int64() ? static_cast<int>(number->get_int64()) : 0;
  auto message = escape_untrusted(text(member(*failure, "message")).value_or(""));
  return RpcError{rpc_code == kRpcInWarmup ? RpcErrorCode::WarmingUp : RpcErrorCode::Refused, rpc_code, message};
}

}  // namespace

const char* name(RpcErrorCode code) {
  switch (code) {
    case RpcErrorCode::NoCredentials:
      return "no credentials";
    case RpcErrorCode::Unreachable:
      return "unreachable";
    case RpcErrorCode::TimedOut:
      return "timed out";
    case RpcErrorCode::Unauthorized:
      return "unauthorized";
    case RpcErrorCode::WarmingUp:
      return "warming up";
    case RpcErrorCode::Busy:
      return "busy";
    case RpcErrorCode::BadReply:
      return "bad reply";
    case RpcErrorCode::Refused:
      return "refused";
    case RpcErrorCode::Interrupted:
      return "interrupted";
  }
  return "?";
}

std::string describe(const RpcError& error) {
  if (error.code == RpcErrorCode::NoCredentials) return error.message;  // it says itself what to do
  std::string out = name(error.code);
  if (error.rpc_code != 0) out += " (" + std::to_string(error.rpc_code) + ")";
  return error.message.empty() ? out : out + ": " + error.message;
}

BitcoindClient::BitcoindClient(RpcEndpoint endpoint)
    : endpoint_(std::move(endpoint)), http_(std::make_unique<Http>()) {}
BitcoindClient::~BitcoindClient() = default;

Result<std::string, RpcError> BitcoindClient::credentials() const {
  if (endpoint_.cookie_file.empty()) return endpoint_.user + ":" + endpoint_.password;
  std::ifstream file(endpoint_.cookie_file);
  std::string line;
  if (!file) {
    auto gone = errno == ENOENT;
    auto why = gone ? "bitcoind is not running, or not here: it has no cookie file " + endpoint_.cookie_file
                    : "bitcoind's cookie file " + endpoint_.cookie_file + " cannot be read: " + std::strerror(errno);
    return fail(RpcError{RpcErrorCode::NoCredentials, 0, std::move(why)});
  }
  if (!std::getline(file, line) || line.find(':') == std::string::npos)
    return fail(
        RpcError{RpcErrorCode::NoCredentials, 0, "no login in bitcoind's cookie file " + endpoint_.cookie_file});
  return line;
}

Result<std::string, RpcError> BitcoindClient::post(const std::string& body, long timeout_ms) {
  if (interrupted_) return fail(RpcError{RpcErrorCode::Interrupted});
  LN_TRY(login, credentials());
  auto* handle = http_->handle;
  auto where = endpoint_.host + ":" + std::to_string(endpoint_.port);
  std::string reply;
  bool too_large = false;
  std::pair<std::string*, bool*> sink{&reply, &too_large};

  curl_easy_reset(handle);  // keeps the connection
  curl_easy_setopt(handle, CURLOPT_URL, ("http://" + where + "/").c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
  curl_easy_setopt(handle, CURLOPT_USERPWD, login.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, http_->headers);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, endpoint_.connect_timeout_ms);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &interrupted_);

  auto code = curl_easy_perform(handle);
  if (interrupted_) return fail(RpcError{RpcErrorCode::Interrupted});
  if (too_large) return fail(bad_reply("larger than " + std::to_string(kMaxReplyBytes) + " bytes"));
  // Also of an older connection that died of the request, before a new one was tried.
  long sent_bytes = 0;
  curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &sent_bytes);
  bool unsent = sent_bytes == 0;
  if (code == CURLE_OPERATION_TIMEDOUT) return fail(RpcError{RpcErrorCode::TimedOut, 0, where, unsent});
  if (code != CURLE_OK)
    return fail(RpcError{RpcErrorCode::Unreachable, 0, where + ": " + curl_easy_strerror(code), unsent});
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (status == 401 || status == 403) {
    return fail(RpcError{RpcErrorCode::Unauthorized, 0, where + " refuses our credentials"});
  }
  if (status == 503) return fail(RpcError{RpcErrorCode::Busy, 0, where});
  return reply;
}

Result<BitcoindClient::Reply, RpcError> BitcoindClient::ask(const std::string& method, const std::string& params) {
  return ask(method, params, endpoint_.call_timeout_ms);
}

Result<BitcoindClient::Reply, RpcError> BitcoindClient::ask(const std::string& method, const std::string& params,
                                                            long timeout_ms) {
  LN_TRY(body, post(call_text(0, method, params), timeout_ms));
  boost::system::error_code error;
  auto reply = json::parse(quote_decimals(body), error);
  if (error || !reply.is_object()) return fail(bad_reply(method + " gave no JSON object"));
  if (auto failure = error_in(reply)) return fail(*failure);
  const auto* result = member(reply, "result");
  if (result == nullptr) return fail(bad_reply(method + " gave no result"));
  return Reply{*result};
}

Result<std::string, RpcError> BitcoindClient::call(const std::string& method, const std::string& params) {
  LN_TRY(reply, ask(method, params, endpoint_.block_timeout_ms));
  return json::serialize(reply.result);
}

Result<ChainInfo, RpcError> BitcoindClient::chain_info() {
  LN_TRY(reply, ask("getblockchaininfo", "[]"));
  auto chain = text(member(reply.result, "chain"));
  auto blocks = u32(member(reply.result, "blocks"));
  auto headers = u32(member(reply.result, "headers"));
  auto best = block_hash_in(member(reply.result, "bestblockhash"));
  auto oldest = u32(member(reply.result, "pruneheight"));
  if (!chain || !blocks || !headers || !best) return fail(bad_reply("getblockchaininfo"));
  return ChainInfo{.chain = escape_untrusted(*chain),
                   .blocks = BlockHeight(*blocks),
                   .headers = BlockHeight(*headers),
                   .best_block = *best,
                   .initial_block_download = flag(member(reply.result, "initialblockdownload")),
                   .pruned = flag(member(reply.result, "pruned")),
                   .oldest_block = oldest ? std::optional(BlockHeight(*oldest)) : std::nullopt,
                   .work = work_in(reply.result)};
}

Result<BlockHash, RpcError> BitcoindClient::best_block_hash() {
  LN_TRY(reply, ask("getbestblockhash", "[]"));
  auto hash = block_hash_in(&reply.result);
  if (!hash) return fail(bad_reply("getbestblockhash"));
  return *hash;
}

Result<std::optional<BlockHash>, RpcError> BitcoindClient::block_hash(BlockHeight height) {
  auto reply = ask("getblockhash", "[" + std::to_string(height.value()) + "]");
  if (!reply) {
    if (reply.error().rpc_code == kRpcInvalidParameter) return std::optional<BlockHash>{};
    return fail(reply.error());
  }
  auto hash = block_hash_in(&reply->result);
  if (!hash) return fail(bad_reply("getblockhash"));
  return hash;
}

Result<std::optional<HeaderInfo>, RpcError> BitcoindClient::block_header(const BlockHash& hash) {
  auto reply = ask("getblockheader", "[" + quoted(bitcoin::block_hash_to_string(hash)) + "]");
  if (!reply) {
    if (reply.error().rpc_code == kRpcInvalidAddressOrKey) return std::optional<HeaderInfo>{};
    return fail(reply.error());
  }
  auto height = u32(member(reply->result, "height"));
  const auto* confirmations = member(reply->result, "confirmations");  // -1 off the active chain
  if (!height || confirmations == nullptr || !confirmations->is_int64()) return fail(bad_reply("getblockheader"));
  return std::optional(HeaderInfo{BlockHeight(*height), confirmations->get_int64() >= 0, work_in(reply->result)});
}

Result<Bytes, RpcError> BitcoindClient::block(const BlockHash& hash) {
  LN_TRY(reply, ask("getblock", "[" + quoted(bitcoin::block_hash_to_string(hash)) + ",0]", endpoint_.block_timeout_ms));
  auto hex = text(&reply.result);
  auto bytes = hex ? from_hex(*hex) : std::nullopt;
  if (!bytes) return fail(bad_reply("getblock"));
  return *std::move(bytes);
}

Result<std::vector<Txid>, RpcError> BitcoindClient::block_txids(const BlockHash& hash) {
  LN_TRY(reply, ask("getblock", "[" + quoted(bitcoin::block_hash_to_string(hash)) + ",1]", endpoint_.block_timeout_ms));
  const auto* list = member(reply.result, "tx");
  if (list == nullptr || !list->is_array()) return fail(bad_reply("getblock"));
  std::vector<Txid> out;
  out.reserve(list->get_array().size());
  for (const auto& entry : list->get_array()) {
    auto txid = txid_in(&entry);
    if (!txid) return fail(bad_reply("getblock"));
    out.push_back(*txid);
  }
  return out;
}

Result<std::optional<UnspentOutput>, RpcError> BitcoindClient::unspent_output(const Outpoint& outpoint) {
  LN_TRY(reply, ask("gettxout", "[" + quoted(bitcoin::txid_to_string(outpoint.txid)) + "," +
                                    std::to_string(outpoint.index) + ",false]"));
  if (reply.result.is_null()) return std::optional<UnspentOutput>{};
  auto value = amount(member(reply.result, "value"));
  auto confirmations = u32(member(reply.result, "confirmations"));
  const auto* script = member(reply.result, "scriptPubKey");
  auto hex = script != nullptr ? text(member(*script, "hex")) : std::nullopt;
  auto bytes = hex ? from_hex(*hex) : std::nullopt;
  if (!value || !confirmations || !bytes) return fail(bad_reply("gettxout"));
  return std::optional(UnspentOutput{*value, *std::move(bytes), *confirmations});
}

Result<std::vector<Txid>, RpcError> BitcoindClient::mempool_txids() {
  LN_TRY(reply, ask("getrawmempool", "[]"));
  if (!reply.result.is_array()) return fail(bad_reply("getrawmempool"));
  const auto& list = reply.result.get_array();
  if (list.size() > kMaxMempoolTransactions)
    return fail(bad_reply("getrawmempool: more than " + std::to_string(kMaxMempoolTransactions) + " transactions"));
  std::vector<Txid> out;
  out.reserve(list.size());
  for (const auto& entry : list) {
    auto txid = txid_in(&entry);
    if (!txid) return fail(bad_reply("getrawmempool"));
    out.push_back(*txid);
  }
  return out;
}

Result<std::vector<std::optional<Bytes>>, RpcError> BitcoindClient::mempool_transactions(std::span<const Txid> txids) {
  LN_ASSERT(txids.size() <= kMaxTransactionsPerCall);
  std::vector<std::optional<Bytes>> out(txids.size());
  if (txids.empty()) return out;
  std::string body = "[";
  for (std::size_t i = 0; i < txids.size(); ++i)
    body +=
        (i == 0 ? "" : ",") + call_text(i, "getrawtransaction", "[" + quoted(bitcoin::txid_to_string(txids[i])) + "]");
  LN_TRY(text_of_replies, post(body + "]", endpoint_.call_timeout_ms));
  boost::system::error_code error;
  auto replies = json::parse(text_of_replies, error);
  if (error || !replies.is_array()) return fail(bad_reply("getrawtransaction gave no JSON array"));
  for (const auto& reply : replies.get_array()) {
    auto id = u32(member(reply, "id"));
    if (!id || *id >= out.size()) return fail(bad_reply("getrawtransaction"));
    if (auto failure = error_in(reply)) {
      if (failure->rpc_code == kRpcInvalidAddressOrKey) continue;
      return fail(*failure);
    }
    auto hex = text(member(reply, "result"));
    if (hex) out[*id] = from_hex(*hex);
    if (!out[*id]) return fail(bad_reply("getrawtransaction"));
  }
  return out;
}

Result<Txid, RpcError> BitcoindClient::send_raw_transaction(ByteView transaction) {
  LN_TRY(reply, ask("sendrawtransaction", "[" + quoted(to_hex(transaction)) + ",0]"));
  auto txid = txid_in(&reply.result);
  if (!txid) return fail(bad_reply("sendrawtransaction"));
  return *txid;
}

Result<std::optional<Sat>, RpcError> BitcoindClient::estimate_fee(std::uint32_t blocks, bool conservative) {
  const char* mode = conservative ? ",\"conservative\"]" : ",\"economical\"]";
  LN_TRY(reply, ask("estimatesmartfee", "[" + std::to_string(blocks) + mode));
  if (!reply.result.is_object()) return fail(bad_reply("estimatesmartfee"));
  const auto* feerate = member(reply.result, "feerate");
  if (feerate == nullptr) return std::optional<Sat>{};
  auto value = amount(feerate);
  if (!value) return fail(bad_reply("estimatesmartfee"));
  return value;
}

Result<MempoolFees, RpcError> BitcoindClient::mempool_fees() {
  LN_TRY(reply, ask("getmempoolinfo", "[]"));
  auto minimum = amount(member(reply.result, "mempoolminfee"));
  if (!minimum) return fail(bad_reply("getmempoolinfo"));
  return MempoolFees{*minimum, amount(member(reply.result, "incrementalrelayfee")).value_or(Sat(0))};
}

}  // namespace doze::chain
