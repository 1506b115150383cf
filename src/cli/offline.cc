#include "cli/offline.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "api/json.h"
#include "cli/arguments.h"
#include "cli/exit_codes.h"
#include "cli/secret_io.h"
#include "cli/tables.h"
#include "cli/tree.h"
#include "offers/offer.h"
#include "toolbox/check.h"
#include "toolbox/create.h"
#include "toolbox/decode.h"
#include "toolbox/descriptors.h"
#include "toolbox/onion_tools.h"
#include "toolbox/paste.h"
#include "toolbox/vectors.h"

namespace doze::cli {

namespace {

namespace json = boost::json;
using Words = std::vector<std::string>;

int complain(const std::string& why, Exit exit = Exit::Failed) {
  std::fprintf(stderr, "doze: %s\n", why.c_str());
  return code(exit);
}
int misused(const std::string& why) {
  return complain(why, Exit::Usage);
}

int print(const Value& value, bool as_json) {
  auto answer = api::to_json(value);
  std::printf("%s", as_json ? (api::json_text(answer) + "\n").c_str() : to_tree(answer).c_str());
  return 0;
}

int refuse(const toolbox::Problem& problem, bool as_json) {
  if (as_json) std::printf("%s\n", api::json_text(json::object{{"error", api::to_json(problem.value())}}).c_str());
  return complain(problem.text());
}

template <class T>
int answer(const Result<T, toolbox::Problem>& made, bool as_json) {
  return made ? print(*made, as_json) : refuse(made.error(), as_json);
}

Result<std::string, std::string> read_all(std::istream& in) {
  std::string out;
  for (std::istreambuf_iterator<char> it(in), end; it != end; ++it) {
    if (out.size() == kMaxInputBytes) return fail(std::string("expected at most 16 MiB of input"));
    out.push_back(*it);
  }
  return out;
}

/// The input that an argument names: itself, a file (@FILE) or standard input (-). Bytes that are not text become hex.
Result<std::string, std::string> input_of(const std::string& word) {
  std::string out = word;
  if (word == "-") {
    LN_TRY(all, read_all(std::cin));
    out = std::move(all);
  } else if (word.size() > 1 && word[0] == '@') {
    std::ifstream in(word.substr(1), std::ios::binary);
    if (!in || std::filesystem::is_directory(word.substr(1))) return fail("cannot read " + word.substr(1));
    LN_TRY(all, read_all(in));
    out = std::move(all);
  } else {
    return out;
  }
  auto binary = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t'; };
  bool text = is_utf8(bytes_of(out));
  for (char c : out) text = text && !binary(c);
  return text ? out : to_hex(bytes_of(out));
}

int decode(const Words& words, const Command& command, bool as_json) {
  // A text with spaces may arrive as several words.
  std::string text, as;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--as") {
      if (i + 1 == words.size()) return misused("--as needs a value: see doze help decode");
      as = words[++i];
    } else if (words[i].starts_with("--")) {
      return misused("unknown option '" + words[i] + "': see doze help decode");
    } else {
      text += (text.empty() ? "" : " ") + words[i];
    }
  }
  if (words.empty()) return misused("decode: missing argument text: " + usage(command));
  auto input = input_of(text);
  if (!input) return complain(input.error());
  auto read = toolbox::decode(*input, as);
  if (read || text == "-" || text[0] == '@') return answer(read, as_json);
  std::error_code ignored;
  auto problem = read.error();
  if (std::filesystem::is_regular_file(text, ignored))
    problem.hint = "To decode the file of this name, write: doze decode @" + text;
  return refuse(problem, as_json);
}

int check(const toolbox::Flags& flags, bool as_json) {
  auto bytes_of_flag = [&](const char* name) -> Result<Bytes, std::string> {
    LN_TRY(text, input_of(toolbox::text_of(flags, name)));
    auto cleaned = toolbox::clean(text).text;
    auto bytes = from_hex(toolbox::squeezed(cleaned));
    if (bytes && !bytes->empty()) return *std::move(bytes);
    if (std::string_view(name) == "invoice")
      return fail(std::string("--invoice: ") + (text.empty() ? "expected hex, not an empty text" : "expected hex"));
    auto offer = offers::Offer::parse(toolbox::squeezed(cleaned));
    if (!offer) return fail(std::string("--") + name + ": expected hex or a valid offer: " + describe(offer.error()));
    return offer->bytes();
  };
  auto offer = bytes_of_flag("offer"), invoice = bytes_of_flag("invoice");
  if (!offer) return complain(offer.error());
  if (!invoice) return complain(invoice.error());
  auto now = toolbox::number_of(flags, "at")
                 .value_or(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                                          std::chrono::system_clock::now().time_since_epoch())
                                                          .count()));
  auto checked = toolbox::check_static_invoice_rules(*offer, *invoice, UnixTime(now));
  if (as_json) {
    List rules;
    for (const auto& rule : checked.rules)
      rules.push_back(Value().set("rule", rule.what).set("passed", rule.passed).set("detail", rule.detail));
    print(Value().set("profile", checked.profile).set("passed", checked.passed()).set("rules", std::move(rules)), true);
  } else {
    for (const auto& rule : checked.rules)
      std::printf("%s  %s%s\n", rule.passed ? "passed" : "FAILED", rule.what.c_str(),
                  rule.detail.empty() ? "" : (": " + rule.detail).c_str());
    std::printf("%s (profile %s)\n", checked.passed() ? "a payer may pay it" : "a payer must not pay it",
                checked.profile.c_str());
  }
  return checked.passed() ? 0 : 1;
}

int write_vectors(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const auto& file : toolbox::vector_files()) {
    auto place = std::filesystem::path(folder) / file.name;
    std::ofstream out(place, std::ios::binary);
    out << pretty(api::to_json(file.content));
    if (!out.flush()) return complain("cannot write " + place.string());
    std::printf("%s\n", place.string().c_str());
  }
  return 0;
}

int run_vectors(const Words& files, bool as_json) {
  if (files.empty()) return misused("vectors run: missing argument files");
  std::size_t all = 0, invalid = 0, failed = 0;
  List failures;
  for (const auto& file : files) {
    auto text = input_of("@" + file);
    if (!text) return complain(text.error());
    boost::system::error_code error;
    auto parsed = json::parse(*text, error);
    if (error) return complain(file + ": expected JSON: " + error.message());
    auto results = toolbox::run_vectors(value_of(parsed));
    if (!results) return complain(file + ": " + results.error());
    std::size_t bad = 0;
    for (const auto& result : *results) {
      invalid += result.valid ? 0 : 1;
      if (result.passed) continue;
      ++bad;
      if (!as_json)
        std::printf("FAILED  %s: %s: %s\n", file.c_str(), escape_untrusted(result.name).c_str(),
                    escape_untrusted(result.why).c_str());
      failures.push_back(Value().set("file", file).set("case", result.name).set("why", result.why));
    }
    if (!as_json) std::printf("%-40s %4zu cases, %zu failed\n", file.c_str(), results->size(), bad);
    all += results->size();
    failed += bad;
  }
  if (as_json)
    print(Value()
              .set("cases", std::uint64_t{all})
              .set("invalid", std::uint64_t{invalid})
              .set("failed", std::uint64_t{failed})
              .set("failures", std::move(failures)),
          true);
  else
    std::printf("%zu cases (%zu invalid on purpose), %zu failed\n", all, invalid, failed);
  return failed == 0 ? 0 : 1;
}

Result<toolbox::Flags, std::string> flags_of(const Command& command, const Words& words) {
  LN_TRY(object, arguments_of(command.method, words));
  toolbox::Flags out;
  for (const auto& field : object) {
    std::string name(field.key());
    const auto& value = field.value();
    if (const auto* flag = value.if_bool()) out[name] = *flag;
    if (value.is_number()) out[name] = value.to_number<std::uint64_t>();
    if (value.is_string()) out[name] = std::string(value.as_string());
  }
  for (const auto& param : command.method.params)
    if (param.required && !out.contains(param.name))
      return fail((param.positional ? param.name : flag_of(param.name)) + " is missing: " + usage(command));
  return out;
}

}  // namespace

int run_offline(const Command& command, const Words& words, bool as_json) {
  const auto& name = command.method.name;
  if (name == "decode") return decode(words, command, as_json);
  if (name == "vectors run") return run_vectors(words, as_json);
  auto given = words;
  if (name == "man" && words.size() == 2 && !words[1].starts_with("-")) given = {words[0] + " " + words[1]};
  auto flags = flags_of(command, given);
  if (!flags) return misused(flags.error());
  if (name == "keys") {
    auto made = toolbox::keys(*flags);
    if (!made || as_json) return answer(made, as_json);
    return std::printf("%s", to_text(api::to_json(*made)).c_str()), 0;
  }
  if (name == "create offer") return answer(toolbox::create_offer(*flags), as_json);
  if (name == "create invoicerequest") return answer(toolbox::create_invoice_request(*flags), as_json);
  if (name == "create refund") return answer(toolbox::create_refund(*flags), as_json);
  if (name == "create invoiceerror") return answer(toolbox::create_invoice_error(*flags), as_json);
  if (name == "descriptors") {
    auto words = read_secret_line(STDIN_FILENO);
    return answer(toolbox::descriptors(*flags, words.view()), as_json);
  }
  if (name == "create invoice") return answer(toolbox::create_invoice(*flags), as_json);
  if (name == "create staticinvoice") return answer(toolbox::create_static_invoice(*flags), as_json);
  if (name == "create blindedpath") return answer(toolbox::create_blinded_path(*flags), as_json);
  if (name == "onion build") return answer(toolbox::onion_build(*flags), as_json);
  if (name == "onion peel") return answer(toolbox::onion_peel(*flags), as_json);
  if (name == "onion wrap") return answer(toolbox::onion_wrap(*flags), as_json);
  if (name == "onion unwrap") return answer(toolbox::onion_unwrap(*flags), as_json);
  if (name == "check-static-invoice") return check(*flags, as_json);
  if (name == "vectors write") return write_vectors(toolbox::text_of(*flags, "folder"));
  if (name == "completion") {
    auto script = completion(toolbox::text_of(*flags, "shell"));
    return script.empty() ? misused("completion: expected bash, zsh or fish") : (std::printf("%s", script.c_str()), 0);
  }
  if (name == "man") {
    auto page = toolbox::text_of(*flags, "command");
    const Command* of = nullptr;
    for (const auto& each : commands())
      if (each.method.name == page || page_name(each) == page) of = &each;
    if (of == nullptr && !page.empty()) return misused("man: unknown command '" + page + "': see doze help");
    return std::printf("%s", man_page(of).c_str()), 0;
  }
  return complain("unknown command '" + name + "': see doze help");
}

}  // namespace doze::cli
