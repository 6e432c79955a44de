# SPDX-License-Identifier: GPL-2.0-or-later
# What the architectures' toolchain.cmake share: the compilers of the toolchain root that
# `scripts/mnbench setup` makes, and the static libraries in its /opt/mnbench/ARCH.
get_filename_component(MNBENCH_PLATFORM ${CMAKE_PARENT_LIST_FILE} DIRECTORY)
get_filename_component(MNBENCH_ARCH ${MNBENCH_PLATFORM} NAME)
set(CMAKE_SYSTEM_NAME Linux)
string(REGEX MATCH "^[^-]*" CMAKE_SYSTEM_PROCESSOR ${MNBENCH_TRIPLET})
set(CMAKE_LIBRARY_ARCHITECTURE ${MNBENCH_TRIPLET})
set(CMAKE_C_COMPILER ${MNBENCH_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${MNBENCH_TRIPLET}-g++)
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL CMAKE_SYSTEM_PROCESSOR)
  file(STRINGS ${MNBENCH_PLATFORM}/emulator MNBENCH_EMULATOR REGEX "^[^#]")
  separate_arguments(CMAKE_CROSSCOMPILING_EMULATOR UNIX_COMMAND "${MNBENCH_EMULATOR}")
endif()
list(PREPEND CMAKE_PREFIX_PATH /opt/mnbench/${MNBENCH_ARCH})
set(ENV{PKG_CONFIG_LIBDIR}
  /opt/mnbench/${MNBENCH_ARCH}/lib/pkgconfig:/usr/lib/${MNBENCH_TRIPLET}/pkgconfig)
