#include "base/utc.h"

namespace doze {

namespace {
std::string two(std::uint64_t v) {
  return (v < 10 ? "0" : "") + std::to_string(v);
}

/// Days since 1970 to year, month and day.
std::string date_text(std::uint64_t days) {
  auto z = days + 719'468;
  auto era = z / 146'097, doe = z % 146'097;
  auto yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  auto doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  auto mp = (5 * doy + 2) / 153;
  auto day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
  auto year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  return std::to_string(year) + "-" + two(month) + "-" + two(day);
}
}  // namespace

std::string utc_text(UnixTime time) {
  auto s = time.value() % 86'400;
  return date_text(time.value() / 86'400) + "T" + two(s / 3600) + ":" + two(s / 60 % 60) + ":" + two(s % 60) + "Z";
}

}  // namespace doze
