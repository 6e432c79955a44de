# SPDX-License-Identifier: GPL-2.0-or-later
# For scripts/bench and scripts/test, sourced: a machine that has nothing but Debian's base has
# no python3 yet, and mnbench needs one. Sets mnbench, the program.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
mnbench=$here/mnbench

if [ ! -x /usr/bin/python3 ]; then
	packages=$(sed -n 's/^\(python\|report\|native\|cross\|user\|emulation\|count\)  *//p' \
		"$here/mnbenchlib/packages.list" | tr '\n' ' ')
	if ! command -v apt-get >/dev/null; then
		echo "mnbench: /usr/bin/python3: not installed; install python3 first" >&2
		exit 2
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
		if ! command -v sudo >/dev/null || ! sudo -v 2>/dev/null; then
			echo "mnbench: packages are missing and neither root nor sudo is at hand;" \
				"have them installed: apt-get install $packages" >&2
			exit 2
		fi
	fi
	echo "installing python3" >&2
	log=$(mktemp)
	if ! { $sudo apt-get --quiet update && $sudo env DEBIAN_FRONTEND=noninteractive \
		apt-get --quiet --yes install --no-install-recommends python3; } \
		>"$log" 2>&1 </dev/null; then
		echo "mnbench: apt-get cannot install python3: $(grep '^E:' "$log" | tail -n 1)" \
			"(see $log); look at the network and at the free space" >&2
		exit 2
	fi
	rm -f "$log"
fi
