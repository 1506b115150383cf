# Floors 8 to 10: the drivers, the daemon and the command line. They have exceptions, and libraries of their own.

pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
find_package(Boost 1.81 REQUIRED)
find_package(Threads REQUIRED)

# Include <boost/json.hpp> and link this; nobody else includes <boost/json/src.hpp> on these floors.
add_library(boost_json STATIC cmake/boost_json.cc)
target_link_libraries(boost_json PUBLIC Boost::headers)

doze_room(chain DEPS doze::effects doze::bitcoin PRIVATE PkgConfig::CURL boost_json Threads::Threads)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
doze_room(store DEPS doze::effects PRIVATE PkgConfig::SQLITE)
doze_room(io DEPS doze::effects PRIVATE Boost::headers Threads::Threads)
doze_room(api DEPS doze::effects doze::toolbox boost_json)
doze_room(rpc DEPS doze::api PRIVATE Boost::headers PkgConfig::CURL Threads::Threads)
doze_room(app DEPS doze::api doze::node doze::keys doze::store doze::io doze::rpc doze::chain)
doze_room(cli DEPS doze::api doze::rpc doze::toolbox boost_json)
add_executable(dozed src/app/main/dozed.cc)
target_link_libraries(dozed doze::app)
add_executable(doze src/cli/main/doze.cc)
target_link_libraries(doze doze::app doze::cli)
install(TARGETS dozed doze DESTINATION bin COMPONENT programs)
if(NOT DOZE_TESTS)
  return()
endif()
if(DOZE_HARDEN AND NOT DOZE_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL Release)
  add_test(NAME hardening COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-hardening $<TARGET_FILE:dozed> $<TARGET_FILE:doze>)
endif()
# Attacks on the daemon for scripts/attacks.py: doc/ATTACKS.md.
file(GLOB attack_sources CONFIGURE_DEPENDS attack/*.cc)
add_executable(attacker ${attack_sources})
target_link_libraries(attacker doze::store doze::effects)
