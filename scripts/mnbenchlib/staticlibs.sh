#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the toolchain root, once, when it is made: fills /opt/mnbench/ARCH for
# the three architectures with what Debian's packages do not give as it is needed:
#
#   benchmark  no static library is packaged, and trixie's shared one is a debug build
#   liburcu    Debian's riscv64 build does without compiler TLS, which makes a read-side
#              pair five times as long: a baseline must not be handicapped. One version,
#              built one way, for all three.
#   ck         headers alone; its packages for two architectures exclude one another
#
# usage: staticlibs.sh "SOURCE/SUITE ..." "HEADER-PACKAGE ..."
set -eu

sources=$1
headers=$2
work=/var/tmp/staticlibs
prefix=/opt/mnbench
jobs=$(nproc)

rm -rf "$work"
mkdir -p "$work" "$prefix"
cd "$work"

# Debian's name of an architecture, and its GNU triplet, from ours.
debian_arch()
{
	case $1 in
	x86_64) echo amd64 ;;
	*) echo "$1" ;;
	esac
}

triplet()
{
	case $1 in
	x86_64) echo x86_64-linux-gnu ;;
	arm64) echo aarch64-linux-gnu ;;
	riscv64) echo riscv64-linux-gnu ;;
	esac
}

fetch_sources()
{
	for source in $sources; do
		name=${source%/*}
		apt-get source -qq -o APT::Sandbox::User=root --download-only "$source"
		dpkg-source --no-check -x "$name"_*.dsc "$name" >/dev/null
	done
}

# The answers that CMake would get by running test programs, which a cross build cannot.
build_benchmark()
{
	version=$(sed -n 's/^Version: \([^-]*\).*/\1/p' benchmark_*.dsc)
	cmake -G Ninja -S benchmark -B "benchmark-$1" \
		-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="${2%%-*}" \
		-DCMAKE_C_COMPILER="$2-gcc" -DCMAKE_CXX_COMPILER="$2-g++" \
		-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
		-DCMAKE_INSTALL_PREFIX="$prefix/$1" -DCMAKE_INSTALL_LIBDIR=lib \
		-DGIT_VERSION="v$version" \
		-DBENCHMARK_ENABLE_TESTING=OFF -DBENCHMARK_ENABLE_LTO=OFF \
		-DBENCHMARK_ENABLE_WERROR=OFF -DBENCHMARK_INSTALL_DOCS=OFF \
		-DHAVE_STD_REGEX=1 -DHAVE_POSIX_REGEX=1 -DHAVE_STEADY_CLOCK=1 \
		-DHAVE_PTHREAD_AFFINITY=1
	ninja -C "benchmark-$1" install
}

build_liburcu()
{
	mkdir "liburcu-$1"
	(
		cd "liburcu-$1"
		../liburcu/configure --host="$2" --prefix="$prefix/$1" \
			--enable-compiler-tls --enable-static --disable-shared CFLAGS=-O2
		grep -q '^#define CONFIG_RCU_TLS' include/urcu/config.h
		# Debian's patches touch Makefile.am, but nothing that matters here: no automake.
		for part in include src; do
			make -j"$jobs" -C "$part" install AUTOMAKE=: ACLOCAL=: AUTOCONF=: AUTOHEADER=:
		done
	)
}

unpack_headers()
{
	for package in $headers; do
		(
			mkdir -p "debs-$1"
			cd "debs-$1"
			apt-get download -qq -o APT::Sandbox::User=root "$package:$(debian_arch "$1")"
			dpkg-deb -x "$package"_*.deb "$package"
			mkdir -p "$prefix/$1/include" "$prefix/$1/lib/pkgconfig"
			cp -r "$package/usr/include/." "$prefix/$1/include/"
			for file in "$package"/usr/lib/*/pkgconfig/*.pc; do
				sed "s|^includedir=.*|includedir=$prefix/$1/include|" "$file" \
					>"$prefix/$1/lib/pkgconfig/${file##*/}"
			done
		)
	done
}

fetch_sources
for arch in x86_64 arm64 riscv64; do
	build_benchmark "$arch" "$(triplet "$arch")"
	build_liburcu "$arch" "$(triplet "$arch")"
	unpack_headers "$arch"
done
cd /
rm -rf "$work" /var/lib/apt/lists/*
