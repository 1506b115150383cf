# Checks of the checks, of signed objects and of secrets: fuzz/canary, fuzz/objects, fuzz/secrets.

# Planted bugs. Without sanitizers only the oracle sees its own.
foreach(name asan ubsan oracle)
  string(TOUPPER CANARY_${name} canary)
  if(DOZE_FUZZ)
    add_executable(fuzz_canary_${name} fuzz/canary/canary.cc)
    target_compile_definitions(fuzz_canary_${name} PRIVATE ${canary} CANARY_FUZZED)
    target_link_options(fuzz_canary_${name} PRIVATE -fsanitize=fuzzer)
    set(program fuzz_canary_${name})
    add_dependencies(fuzz_all ${program})
  else()
    add_executable(canary_${name} fuzz/canary/canary.cc)
    target_compile_definitions(canary_${name} PRIVATE ${canary})
    set(program canary_${name})
  endif()
  target_include_directories(${program} PRIVATE fuzz)
  target_link_libraries(${program} doze::base)
endforeach()
if(DOZE_SANITIZE)
  add_test(NAME canaries COMMAND ${PROJECT_SOURCE_DIR}/scripts/fuzz-canaries ${CMAKE_BINARY_DIR})
elseif(NOT DOZE_FUZZ)
  add_test(NAME canaries COMMAND ${PROJECT_SOURCE_DIR}/scripts/fuzz-canaries ${CMAKE_BINARY_DIR} oracle)
endif()

add_executable(secrets_test fuzz/secrets/secrets_test.cc)
target_link_libraries(secrets_test doze::keys doze::transport GTest::gtest GTest::gtest_main)
if(DOZE_DAEMON)
  target_compile_definitions(secrets_test PRIVATE DOZE_WITH_DAEMON)
  target_link_libraries(secrets_test doze::app)
endif()
add_test(NAME secrets COMMAND secrets_test)

add_executable(every_bit_test fuzz/objects/every_bit_test.cc)
target_link_libraries(every_bit_test fuzz_common GTest::gtest GTest::gtest_main)
add_test(NAME every_bit COMMAND every_bit_test)

# Sanitizers and valgrind do not go together.
if(NOT DOZE_SANITIZE AND NOT DOZE_FUZZ)
  find_path(VALGRIND_INCLUDE valgrind/memcheck.h)
  if(VALGRIND_INCLUDE)
    add_executable(constant_time fuzz/secrets/constant_time.cc fuzz/secrets/public_results.cc)
    target_link_libraries(constant_time doze::keys doze::paths doze::transport doze::onion doze::commitment doze::bitcoin)
    set(view St4spanIKhLm18446744073709551615EE)
    foreach(function
        19equal_constant_timeE${view}S3_
        10public_keyERKNS_8Secret32INS_13PrivateKeyTagEEE
        9tweak_mulERKNS_6OpaqueINS_12PublicKeyTagELm33EEE${view}
        12aead_encryptE${view}S3_S3_S3_
        12aead_decryptE${view}S3_S3_S3_
        15chacha20_streamE${view}S3_m
        12chacha20_xorE${view}S3_S1_IhLm18446744073709551615EEm)
      target_link_options(constant_time PRIVATE -Wl,--wrap=_ZN4doze6crypto${function})
    endforeach()
  endif()
  add_test(NAME constant_time COMMAND ${PROJECT_SOURCE_DIR}/scripts/constant-time ${CMAKE_BINARY_DIR})
  set_tests_properties(constant_time PROPERTIES LABELS slow SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()
