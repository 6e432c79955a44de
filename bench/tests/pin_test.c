/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding, allowed set and memory on this machine, whatever it is. */
#define _GNU_SOURCE 1
#include "check.h"
#include "pin.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MASK_BYTES 2048 /* 16384 PUs */

struct mask {
	unsigned char bytes[MASK_BYTES];
};

static struct mask affinity(void)
{
	struct mask mask = {{0}};

	CHECK(!sched_getaffinity(0, sizeof(mask), (cpu_set_t *)&mask));
	return mask;
}

static bool same_mask(const struct mask *a, const struct mask *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static int count(const struct mask *mask)
{
	return CPU_COUNT_S(sizeof(*mask), (cpu_set_t *)mask);
}

static struct pin_topology *load_this_machine(void)
{
	struct pin_topology *topo = NULL;
	char why[256] = "";

	if (pin_topology_load(&topo, NULL, why, sizeof(why))) {
		fprintf(stderr, "cannot load this machine: %s\n", why);
		exit(1);
	}
	return topo;
}

static void test_allowed_set(void)
{
	struct mask before = affinity();
	struct pin_topology *topo = load_this_machine();
	int all = (int)pin_pu_count(topo), last = pin_pu_at(topo, (unsigned)all - 1);
	struct pin_slot slots[2], other;
	bool oversubscribed;
	char text[32], why[256];
	cpu_set_t *one = (cpu_set_t *)&(struct mask){{0}};

	CHECK(all == count(&before));
	CHECK(!pin_slot_of(topo, pin_pu_at(topo, 0), &other));
	pin_topology_free(topo);
	if (all < 2) {
		puts("one PU: nothing to leave out of the allowed set");
		return;
	}
	CPU_SET_S((size_t)last, MASK_BYTES, one);
	CHECK(!sched_setaffinity(0, MASK_BYTES, one));
	topo = load_this_machine();
	CHECK(pin_pu_count(topo) == 1 && pin_pu_at(topo, 0) == last);
	CHECK(!pin_plan(topo, "compact", 2, slots, &oversubscribed, why, sizeof(why)));
	CHECK(oversubscribed && slots[0].pu == last && slots[1].pu == last);
	snprintf(text, sizeof(text), "%d", other.pu);
	CHECK(pin_plan(topo, text, 1, slots, NULL, why, sizeof(why)) == -ENOTSUP);
	CHECK_HAS(why, "outside of the process's allowed set");
	pin_topology_free(topo);
	CHECK(!sched_setaffinity(0, sizeof(before), (cpu_set_t *)&before));
}

static void check_on_every_pu(const struct pin_topology *topo)
{
	for (unsigned i = 0; i < pin_pu_count(topo); i++) {
		struct pin_slot slot, elsewhere;
		struct mask bound;

		CHECK(!pin_slot_of(topo, pin_pu_at(topo, i), &slot));
		CHECK(!pin_bind_self(topo, &slot));
		CHECK(pin_where() == slot.pu);
		CHECK(pin_in_place(&slot));
		bound = affinity();
		CHECK(count(&bound) == 1);
		elsewhere = slot;
		elsewhere.pu++;
		CHECK(!pin_in_place(&elsewhere));
	}
}

static void test_binding(void)
{
	static const struct pin_slot nowhere = {-1, -1, -1, -1, -1}, absent = {.pu = 1 << 20};
	struct mask before = affinity(), now;
	struct pin_topology *topo = load_this_machine();

	CHECK(!pin_bind_self(topo, &nowhere));
	CHECK(pin_in_place(&nowhere));
	now = affinity();
	CHECK(same_mask(&before, &now));
	check_on_every_pu(topo);
	CHECK(pin_bind_self(topo, &absent) == -ENOENT);
	CHECK(!pin_unbind_self(topo));
	now = affinity();
	CHECK(same_mask(&before, &now));
	pin_topology_free(topo);
}

static void *bind_there(void *arg)
{
	const struct pin_topology *topo = arg;

	check_on_every_pu(topo);
	return NULL;
}

static void test_only_the_calling_thread(void)
{
	struct mask before = affinity(), now;
	struct pin_topology *topo = load_this_machine();
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, bind_there, topo));
	pthread_join(thread, NULL);
	now = affinity();
	CHECK(same_mask(&before, &now));
	pin_topology_free(topo);
}

static void check_memory(const struct pin_topology *topo, const struct pin_slot *slot)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 5 * page + 7;
	unsigned char *mem = pin_alloc(topo, size, slot);
	unsigned char present[6], sum = 0;
	int node;

	if (!CHECK(mem))
		return;
	CHECK((uintptr_t)mem % page == 0);
	CHECK(!mincore(mem, size, present));
	for (size_t i = 0; i < sizeof(present); i++)
		CHECK(present[i] & 1);
	for (size_t i = 0; i < size; i++)
		sum |= mem[i];
	CHECK(!sum);
	for (size_t at = 0; at < size; at += page) {
		node = pin_node_of(topo, mem + at);
		if (node < 0)
			printf("the kernel does not tell where a page is: %s\n", strerror(-node));
		else if (slot && slot->node >= 0)
			CHECK(node == slot->node);
		if (node < 0)
			break;
	}
	pin_free(mem, size);
}

static void test_memory(void)
{
	struct mask before = affinity(), now;
	struct pin_topology *topo = load_this_machine();
	struct pin_slot slot;

	if (pin_memory_refused(topo))
		printf("memory cannot be bound: %s\n", strerror(-pin_memory_refused(topo)));
	for (unsigned i = 0; i < pin_pu_count(topo); i++) {
		CHECK(!pin_slot_of(topo, pin_pu_at(topo, i), &slot));
		check_memory(topo, &slot);
	}
	check_memory(topo, NULL);
	slot.node = -1;
	check_memory(topo, &slot);
	/* Placing memory moves the thread at most for the while. */
	now = affinity();
	CHECK(same_mask(&before, &now));
	pin_free(NULL, 0);
	errno = 0;
	CHECK(!pin_alloc(topo, SIZE_MAX / 2, &slot) && errno == ENOMEM);
	pin_topology_free(topo);
}

/* As containers do it. */
static bool refuse_mbind(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mbind, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(*steps), steps};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int without_mbind(void)
{
	struct pin_topology *topo;

	if (!refuse_mbind()) {
		puts("no seccomp here: the refusal of mbind is not tested");
		return 0;
	}
	topo = load_this_machine();
	CHECK(pin_memory_refused(topo) == -EPERM);
	pin_topology_free(topo);
	test_memory();
	return check_result();
}

static void test_memory_refused(void)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (!child) {
		check_failures = 0;
		status = without_mbind();
		fflush(NULL);
		_exit(status);
	}
	CHECK(waitpid(child, &status, 0) == child && !status);
}

/* Binding by the tree of another machine would be a lie. */
static void test_other_machine(void)
{
	struct pin_source source = {.synthetic = "core:2 pu:2"};
	struct mask before = affinity(), now;
	struct pin_topology *topo;
	struct pin_slot slot;
	int on_stack;

	CHECK(!pin_topology_load(&topo, &source, NULL, 0));
	CHECK(!pin_slot_of(topo, 0, &slot));
	CHECK(pin_bind_self(topo, &slot) == -ENOTSUP);
	CHECK(pin_unbind_self(topo) == -ENOTSUP);
	CHECK(pin_memory_refused(topo) == -ENOTSUP);
	CHECK(pin_node_of(topo, &on_stack) == -ENOTSUP);
	now = affinity();
	CHECK(same_mask(&before, &now));
	pin_topology_free(topo);
}

static void test_environment(void)
{
	struct pin_topology *topo;
	char why[256];

	setenv("HWLOC_SYNTHETIC", "core:2 pu:2", 1);
	CHECK(pin_topology_load(&topo, NULL, why, sizeof(why)) == -EINVAL);
	CHECK_HAS(why, "unset it");
	unsetenv("HWLOC_SYNTHETIC");
}

static void test_xml(void)
{
	char folder[] = "/tmp/mnbench-pin-XXXXXX", path[64], why[256] = "", ours[128], theirs[128];
	struct pin_topology *topo = load_this_machine(), *again;
	struct pin_source source = {.xml = path};
	struct pin_slot here[4], there[4];
	struct stat st;

	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/t.xml", folder);
	CHECK(!pin_export_xml(topo, path, why, sizeof(why)));
	CHECK_TEXT(why, "");
	CHECK(!pin_topology_load(&again, &source, why, sizeof(why)));
	pin_describe(topo, ours, sizeof(ours));
	pin_describe(again, theirs, sizeof(theirs));
	CHECK_TEXT(theirs, ours);
	CHECK(!pin_plan(topo, "scatter", 4, here, NULL, NULL, 0));
	CHECK(!pin_plan(again, "scatter", 4, there, NULL, NULL, 0));
	CHECK(!memcmp(here, there, sizeof(here)));
	pin_topology_free(again);
	unlink(path);
	CHECK(!rmdir(folder)); /* nothing left beside it */
	CHECK(pin_export_xml(topo, "/nonexistent/t.xml", why, sizeof(why)) == -ENOENT);
	CHECK_TEXT(why, "/nonexistent/t.xml: No such file or directory");
	CHECK(pin_export_xml(topo, "/dev/full", why, sizeof(why)) == -ENOSPC);
	CHECK_TEXT(why, "/dev/full: No space left on device");
	CHECK(!stat("/dev/full", &st) && S_ISCHR(st.st_mode));
	pin_topology_free(topo);
}

int main(void)
{
	test_allowed_set();
	test_binding();
	test_only_the_calling_thread();
	test_memory();
	test_memory_refused();
	test_other_machine();
	test_environment();
	test_xml();
	return check_result();
}
