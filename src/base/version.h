// The version that `doze --version`, getinfo and the API document show; CMakeLists.txt reads it from here.
#pragma once

namespace doze {
inline constexpr const char* kVersion = "0.1.0";
}
