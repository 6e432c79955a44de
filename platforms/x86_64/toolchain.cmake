# SPDX-License-Identifier: GPL-2.0-or-later
set(MNBENCH_TRIPLET x86_64-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/../toolchain.cmake)
