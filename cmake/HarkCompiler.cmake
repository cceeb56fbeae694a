# The language level, warnings and hardening of everything built here.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C) # else -pie is left to what the compiler was built to do
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# CHECK() is ours and always on, so NDEBUG buys nothing; assert() in tests must stay alive.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()

add_library(hark_compiler INTERFACE)
target_compile_definitions(hark_compiler INTERFACE _GNU_SOURCE HARK_VERSION="${PROJECT_VERSION}")
target_include_directories(hark_compiler INTERFACE ${PROJECT_SOURCE_DIR}/runtime ${PROJECT_SOURCE_DIR}/runtime/include)
target_compile_options(hark_compiler INTERFACE
  -Wall -Wextra -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla
  -Wshadow -Wundef -Wformat=2 -Wno-missing-field-initializers -fstack-protector-strong -fno-common)
target_link_options(hark_compiler INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

# Flags that not every compiler and processor has.
include(CheckCCompilerFlag)
set(hardening -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND hardening -fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  list(APPEND hardening -mbranch-protection=standard)
endif()
foreach(flag ${hardening})
  string(MAKE_C_IDENTIFIER "HARK_HAS${flag}" known)
  check_c_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(hark_compiler INTERFACE ${flag})
  endif()
endforeach()

if(HARK_WERROR)
  target_compile_options(hark_compiler INTERFACE -Werror)
endif()

if(HARK_FUZZ)
  target_compile_options(hark_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(HARK_SANITIZE)
  target_compile_options(hark_compiler INTERFACE -fsanitize=${HARK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hark_compiler INTERFACE -fsanitize=${HARK_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_options(hark_compiler INTERFACE -D_FORTIFY_SOURCE=2)
endif()
