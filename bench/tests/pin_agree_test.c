/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether hwloc and the kernel tell the same: of this machine, and of one with made-up files. */
#define _GNU_SOURCE 1
#include "check.h"
#include "pin_agree.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/mnbench-agree-XXXXXX";
static struct pin_topology *topo;
static char text[512];

static void load(void)
{
	char why[256];

	if (pin_topology_load(&topo, NULL, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
}

static void test_this_machine(void)
{
	cpu_set_t before, now;

	CHECK(!sched_getaffinity(0, sizeof(before), &before));
	CHECK(pin_agrees(topo, text, sizeof(text)));
	CHECK_TEXT(text, "");
	CHECK(!sched_getaffinity(0, sizeof(now), &now) && CPU_EQUAL(&before, &now));
}

static void test_another_machine(void)
{
	struct pin_source source = {.synthetic = "core:7 pu:3"};
	struct pin_topology *other;

	CHECK(!pin_topology_load(&other, &source, NULL, 0));
	CHECK(pin_agrees(other, text, sizeof(text)));
	pin_topology_free(other);
}

/* A folder below the root, or below it the file that PATH ends in. */
static void make(const char *path, const char *content)
{
	char whole[256];
	FILE *to;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	if (!content) {
		CHECK(!mkdir(whole, 0755));
		return;
	}
	to = fopen(whole, "w");
	if (!CHECK(to))
		exit(1);
	fputs(content, to);
	fclose(to);
}

static void test_online(void)
{
	make("/sys/devices/system/cpu/online", "0-7000\n");
	CHECK(!pin_agrees_below(topo, root, text, sizeof(text)));
	CHECK_HAS(text, "hwloc sees PUs ");
	CHECK_HAS(text, ", /sys/devices/system/cpu/online has 0-7000");
	CHECK(!strchr(text, '\n'));
	CHECK(!pin_agrees_below(topo, root, text, 20) && strlen(text) == 19);
	make("/sys/devices/system/cpu/online", "");
	CHECK(pin_agrees_below(topo, root, text, sizeof(text)));
}

/* One core or package that differs stands for all. */
static void test_cpuinfo(void)
{
	int first = pin_pu_at(topo, 0);
	struct pin_slot slot;
	char info[256];

	make("/proc/cpuinfo", "processor\t: 6999\nmodel name\t: of a container\n");
	CHECK(!pin_agrees_below(topo, root, text, sizeof(text)));
	CHECK_HAS(text, ", /proc/cpuinfo has 6999");

	CHECK(!pin_slot_of(topo, first, &slot));
	if (slot.core < 0 || slot.package < 0) {
		puts("no cores or packages here: where they differ is not tested");
		return;
	}
	snprintf(info, sizeof(info),
		 "processor\t: %d\nphysical id\t: %d\ncore id\t\t: %d\n"
		 "physical id\t: %d\ncore id\t\t: 777\n",
		 first, slot.package + 5, slot.core, slot.package);
	make("/proc/cpuinfo", info);
	CHECK(!pin_agrees_below(topo, root, text, sizeof(text)));
	snprintf(info, sizeof(info), "hwloc has PU %d in package %d, /proc/cpuinfo in %d; ", first,
		 slot.package, slot.package + 5);
	CHECK_HAS(text, info);
	snprintf(info, sizeof(info), "hwloc has PU %d in core %d, /proc/cpuinfo in 777", first,
		 slot.core);
	CHECK_HAS(text, info);
	make("/proc/cpuinfo", "nothing that is known\n");
	CHECK(pin_agrees_below(topo, root, text, sizeof(text)));
}

static bool refuse(unsigned number)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(*steps), steps};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int without(unsigned number, const char *said)
{
	if (!refuse(number)) {
		puts("no seccomp here: what the kernel refuses is not tested");
		return 0;
	}
	CHECK(!pin_agrees(topo, text, sizeof(text)));
	CHECK_HAS(text, said);
	return check_result();
}

static void test_refused(unsigned number, const char *said)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (!child) {
		check_failures = 0;
		status = without(number, said);
		fflush(NULL);
		_exit(status);
	}
	CHECK(waitpid(child, &status, 0) == child && !status);
}

static void remove_all(void)
{
	static const char *const made[] = {"/sys/devices/system/cpu/online",
					   "/sys/devices/system/cpu",
					   "/sys/devices/system",
					   "/sys/devices",
					   "/sys",
					   "/proc/cpuinfo",
					   "/proc",
					   ""};
	char whole[256];

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		snprintf(whole, sizeof(whole), "%s%s", root, made[i]);
		CHECK(!remove(whole));
	}
}

int main(void)
{
	load();
	CHECK(mkdtemp(root));
	make("/proc", NULL);
	make("/sys", NULL);
	make("/sys/devices", NULL);
	make("/sys/devices/system", NULL);
	make("/sys/devices/system/cpu", NULL);
	test_this_machine();
	test_another_machine();
	CHECK(pin_agrees_below(topo, root, text, sizeof(text)));
	test_online();
	test_cpuinfo();
	test_refused(__NR_getcpu, "getcpu: Operation not permitted");
	test_refused(__NR_sched_setaffinity, " cannot be run on: ");
	test_refused(__NR_sched_getaffinity, "sched_getaffinity: Operation not permitted");
	remove_all();
	pin_topology_free(topo);
	return check_result();
}
