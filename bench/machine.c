/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "machine.h"
#include "clock.h"
#include "json.h"
#include "pin.h"
#include "savefile.h"
#include "sysfacts.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

/* The build may tell these, each a string. */
#ifndef MNBENCH_COMPILER
#define MNBENCH_COMPILER NULL
#endif
#ifndef MNBENCH_CFLAGS
#define MNBENCH_CFLAGS NULL
#endif
#ifndef MNBENCH_BUILD_TYPE
#define MNBENCH_BUILD_TYPE NULL
#endif
#ifndef MNBENCH_GIT_REV
#define MNBENCH_GIT_REV NULL
#endif

#define CPU "/sys/devices/system/cpu/"
#define DMI "/sys/class/dmi/id/"

enum form { TEXT, NUMBER, YES_NO };

/* In the file's order; of neighbours with the same section and key the first that is found. */
static const struct fact {
	const char *section, *key;
	enum form form;
	fact_finder *find;
	const char *what;
} table[] = {
	{"cpu", "model", TEXT, fact_cpuinfo, "model name"},
	{"cpu", "model", TEXT, fact_arm_name, NULL},
	{"cpu", "model", TEXT, fact_cpuinfo, "uarch"},
	{"cpu", "vendor", TEXT, fact_cpuinfo, "vendor_id"},
	{"cpu", "family", TEXT, fact_cpuinfo, "cpu family"},
	{"cpu", "model_number", TEXT, fact_cpuinfo, "model"},
	{"cpu", "stepping", TEXT, fact_cpuinfo, "stepping"},
	{"cpu", "microcode", TEXT, fact_cpuinfo, "microcode"},
	{"cpu", "arm_implementer", TEXT, fact_cpuinfo, "CPU implementer"},
	{"cpu", "arm_part", TEXT, fact_cpuinfo, "CPU part"},
	{"cpu", "arm_variant", TEXT, fact_cpuinfo, "CPU variant"},
	{"cpu", "arm_revision", TEXT, fact_cpuinfo, "CPU revision"},
	{"cpu", "riscv_isa", TEXT, fact_cpuinfo, "isa"},
	{"cpu", "riscv_mvendorid", TEXT, fact_cpuinfo, "mvendorid"},
	{"cpu", "riscv_marchid", TEXT, fact_cpuinfo, "marchid"},
	{"cpu", "riscv_mimpid", TEXT, fact_cpuinfo, "mimpid"},
	{"cpu", "board", TEXT, fact_file, "/proc/device-tree/model"},
	{"cpu", "board", TEXT, fact_file, DMI "product_name"},
	{"cpu", "online", TEXT, fact_file, CPU "online"},
	{"cpu", "smt", TEXT, fact_file, CPU "smt/control"},
	{"cpu", "smt_active", YES_NO, fact_file, CPU "smt/active"},

	{"frequency", "driver", TEXT, fact_cpufreq, "scaling_driver"},
	{"frequency", "governor", TEXT, fact_cpufreq, "scaling_governor"},
	{"frequency", "preference", TEXT, fact_cpufreq, "energy_performance_preference"},
	{"frequency", "min_khz", TEXT, fact_cpufreq, "scaling_min_freq"},
	{"frequency", "max_khz", TEXT, fact_cpufreq, "scaling_max_freq"},
	{"frequency", "turbo", YES_NO, fact_turbo, NULL},
	{"frequency", "idle_driver", TEXT, fact_file, CPU "cpuidle/current_driver"},
	{"frequency", "idle_governor", TEXT, fact_file, CPU "cpuidle/current_governor"},

	{"isolation", "isolcpus", TEXT, fact_cmdline, "isolcpus"},
	{"isolation", "nohz_full", TEXT, fact_cmdline, "nohz_full"},
	{"isolation", "rcu_nocbs", TEXT, fact_cmdline, "rcu_nocbs"},
	{"isolation", "isolated", TEXT, fact_file, CPU "isolated"},

	{"kernel", "clocksource", TEXT, fact_file,
	 "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
	{"kernel", "mitigations", TEXT, fact_cmdline, "mitigations"},
	{"kernel", "meltdown", TEXT, fact_file, CPU "vulnerabilities/meltdown"},
	{"kernel", "spectre_v2", TEXT, fact_file, CPU "vulnerabilities/spectre_v2"},
	{"kernel", "aslr", NUMBER, fact_file, "/proc/sys/kernel/randomize_va_space"},
	{"kernel", "numa_balancing", NUMBER, fact_file, "/proc/sys/kernel/numa_balancing"},
	{"kernel", "transparent_hugepages", TEXT, fact_selected,
	 "/sys/kernel/mm/transparent_hugepage/enabled"},

	{"memory", "total_kib", NUMBER, fact_meminfo, "MemTotal"},
	{"memory", "available_kib", NUMBER, fact_meminfo, "MemAvailable"},
	{"memory", "swap_kib", NUMBER, fact_meminfo, "SwapTotal"},

	{"hypervisor", "present", YES_NO, fact_cpuflag, "hypervisor"},
	{"hypervisor", "type", TEXT, fact_file, "/sys/hypervisor/type"},
	{"hypervisor", "type", TEXT, fact_file, "/proc/device-tree/hypervisor/compatible"},
	{"hypervisor", "dmi_vendor", TEXT, fact_file, DMI "sys_vendor"},
	{"hypervisor", "dmi_product", TEXT, fact_file, DMI "product_name"},
};

#define FACTS (sizeof(table) / sizeof(*table))

static bool same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static void put_fact(struct json *json, const struct fact *fact, const char *value)
{
	char *end;

	if (!value) {
		json_text(json, fact->key, NULL);
	} else if (fact->form == NUMBER) {
		double number = strtod(value, &end);

		json_number(json, fact->key, end != value && !*end ? number : NAN);
	} else if (fact->form == YES_NO && (same(value, "0") || same(value, "1"))) {
		json_bool(json, fact->key, same(value, "1"));
	} else {
		json_text(json, fact->key, fact->form == TEXT ? value : NULL);
	}
}

static void put_section(struct json *json, const char *section)
{
	char value[8192];

	for (size_t i = 0; i < FACTS; i++) {
		const struct fact *fact = &table[i];
		bool found = false;

		if (!same(fact->section, section))
			continue;
		for (;; i++) {
			found = found || table[i].find(table[i].what, value, sizeof(value));
			if (i + 1 == FACTS || !same(table[i + 1].section, section) ||
			    !same(table[i + 1].key, fact->key))
				break;
		}
		put_fact(json, fact, found ? value : NULL);
	}
}

static void put_whole_section(struct json *json, const char *section)
{
	json_open(json, section, '{');
	put_section(json, section);
	json_close(json, '}');
}

/* qemu's user mode answers for its guest what /proc/self/exe is, but not for thread-self. */
static bool find_emulator(char *path, size_t len)
{
	char guest[4096];
	const char *name;

	if (!fact_link("/proc/self/exe", guest, sizeof(guest)) ||
	    !fact_link("/proc/thread-self/exe", path, len) || same(guest, path))
		return false;
	name = strrchr(path, '/');
	return name && !strncmp(name + 1, "qemu", strlen("qemu"));
}

const char *machine_execution(void)
{
	char path[4096];

	return find_emulator(path, sizeof(path)) ? "qemu-user" : "native";
}

static void put_run(struct json *json, const struct machine_facts *facts, const char *host)
{
	char emulator[4096], utc[TEXT_UTC];

	text_utc(utc);
	json_number(json, "schema", 1);
	json_text(json, "run_id", facts->run_id);
	json_text(json, "utc", utc);
	json_text(json, "host", host);
	json_text(json, "arch", facts->arch);
	json_text(json, "execution", facts->execution ? facts->execution : machine_execution());
	json_text(json, "emulator", find_emulator(emulator, sizeof(emulator)) ? emulator : NULL);
	json_number(json, "order_seed", facts->order_seed);
}

static void put_caches(struct json *json, const struct pin_topology *topo)
{
	struct pin_cache cache;

	if (!topo) {
		json_text(json, "caches", NULL);
		return;
	}
	json_open(json, "caches", '[');
	for (unsigned i = 0; !pin_cache_at(topo, i, &cache); i++) {
		json_open(json, NULL, '{');
		json_number(json, "level", cache.level);
		json_text(json, "type", cache.type);
		json_number(json, "size_bytes", cache.size ? (double)cache.size : NAN);
		json_number(json, "line_bytes", cache.line ? (double)cache.line : NAN);
		json_number(json, "count", cache.count);
		json_number(json, "shared_by_pus", cache.shared);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_topology(struct json *json, const struct pin_topology *topo)
{
	char summary[256], disagreement[512];

	if (!topo) {
		json_text(json, "topology", NULL);
		return;
	}
	pin_describe(topo, summary, sizeof(summary));
	json_open(json, "topology", '{');
	json_text(json, "summary", summary);
	json_number(json, "usable_pus", pin_pu_count(topo));
	json_bool(json, "memory_binding", !pin_memory_refused(topo));
	json_text(json, "memory_binding_error",
		  pin_memory_refused(topo) ? strerror(-pin_memory_refused(topo)) : NULL);
	json_text(json, "disagreement",
		  pin_agrees(topo, disagreement, sizeof(disagreement)) ? NULL : disagreement);
	json_close(json, '}');
}

static void put_kernel(struct json *json, const struct utsname *name)
{
	json_open(json, "kernel", '{');
	json_text(json, "name", name->sysname);
	json_text(json, "release", name->release);
	json_text(json, "version", name->version);
	json_text(json, "machine", name->machine);
	put_section(json, "kernel");
	json_close(json, '}');
}

static void put_clock(struct json *json, const struct clock_facts *clock)
{
	json_open(json, "clock", '{');
	json_text(json, "source", clock ? clock->source : NULL);
	json_number(json, "cost_ns", clock ? clock->cost_ns : NAN);
	json_number(json, "resolution_ns", clock ? clock->resolution_ns : NAN);
	json_close(json, '}');
}

static void put_load(struct json *json)
{
	static const char *const keys[] = {"1min", "5min", "15min"};
	double load[3];
	int n = getloadavg(load, 3);

	json_open(json, "load", '{');
	for (int i = 0; i < 3; i++)
		json_number(json, keys[i], i < n ? load[i] : NAN);
	json_close(json, '}');
}

static void put_build(struct json *json)
{
	const char *libc = NULL;

#ifdef __GLIBC__
	libc = gnu_get_libc_version();
#endif
	json_open(json, "build", '{');
	json_text(json, "compiler", MNBENCH_COMPILER);
	json_text(json, "flags", MNBENCH_CFLAGS);
	json_text(json, "type", MNBENCH_BUILD_TYPE);
	json_text(json, "git_revision", MNBENCH_GIT_REV);
	json_text(json, "glibc", libc);
	json_close(json, '}');
}

static void put_libraries(struct json *json, const struct machine_library *library)
{
	json_open(json, "libraries", '{');
	for (; library && library->name; library++)
		json_text(json, library->name, library->version);
	json_close(json, '}');
}

static void put_machine(FILE *to, const struct machine_facts *facts)
{
	struct json json = {.to = to};
	struct utsname name = {0};

	uname(&name);
	json_open(&json, NULL, '{');
	put_run(&json, facts, name.nodename);
	put_whole_section(&json, "cpu");
	put_caches(&json, facts->topo);
	put_topology(&json, facts->topo);
	put_whole_section(&json, "frequency");
	put_whole_section(&json, "isolation");
	put_kernel(&json, &name);
	put_whole_section(&json, "memory");
	put_whole_section(&json, "hypervisor");
	put_clock(&json, facts->clock);
	put_load(&json);
	json_text(&json, "counters", facts->counters);
	put_build(&json);
	put_libraries(&json, facts->libraries);
	json_close(&json, '}');
}

int machine_write(const char *path, const struct machine_facts *facts, char *why, size_t len)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int err;

	if (!to)
		goto no_memory;
	put_machine(to, facts);
	if (fclose(to))
		goto no_memory;
	err = savefile(path, text, size, why, len);
	free(text);
	return err;
no_memory:
	free(text);
	return text_fail(-ENOMEM, why, len, "%s: %s", path, strerror(ENOMEM));
}
