# Floors 7 and 8: the drivers, the daemon and the command line. They have exceptions, and libraries of their own.

pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
find_package(Boost 1.81 REQUIRED)
find_package(Threads REQUIRED)

# Include <boost/json.hpp> and link this; nobody else includes <boost/json/src.hpp> on these floors.
add_library(boost_json STATIC cmake/boost_json.cc)
target_link_libraries(boost_json PUBLIC Boost::headers)

doze_room(chain DEPS bitcoin PRIVATE PkgConfig::CURL PkgConfig::ZMQ boost_json Threads::Threads)
