/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine.json: that it is JSON, says what is so, and is written whole or not at all. */
#define _GNU_SOURCE 1
#include "check.h"
#include "clock.h"
#include "json.h"
#include "machine.h"
#include "pin.h"
#include "savefile.h"
#include "sysfacts.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static char folder[] = "/tmp/mnbench-machine-XXXXXX";
static char path[64];

static char *content(void)
{
	char *text = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "r");

	if (!CHECK(file) || !CHECK(getdelim(&text, &room, EOF, file) > 0))
		exit(1);
	fclose(file);
	return text;
}

/* --- A strict reader: moves `*at` behind one value, or says that it is none --- */

static void skip_space(const char **at)
{
	*at += strspn(*at, " \n\r\t");
}

static bool skip_string(const char **at)
{
	const char *s = *at;

	if (*s++ != '"')
		return false;
	while (*s != '"') {
		if ((unsigned char)*s < 0x20)
			return false;
		if (*s++ != '\\')
			continue;
		if (*s == 'u') {
			for (int i = 1; i <= 4; i++)
				if (!isxdigit((unsigned char)s[i]))
					return false;
			s += 5;
		} else if (*s && strchr("\"\\/bfnrt", *s)) {
			s++;
		} else {
			return false;
		}
	}
	*at = s + 1;
	return true;
}

static bool skip_value(const char **at);

static bool skip_members(const char **at, char close, bool keys)
{
	++*at;
	skip_space(at);
	if (**at == close)
		return *(*at)++;
	for (;;) {
		skip_space(at);
		if (keys && !skip_string(at))
			return false;
		if (keys && *(*at)++ != ':')
			return false;
		if (!skip_value(at))
			return false;
		if (**at == close)
			return *(*at)++;
		if (*(*at)++ != ',')
			return false;
	}
}

static bool skip_value(const char **at)
{
	static const char *const words[] = {"null", "true", "false"};
	char *end;
	bool good = false;

	skip_space(at);
	if (**at == '{') {
		good = skip_members(at, '}', true);
	} else if (**at == '[') {
		good = skip_members(at, ']', false);
	} else if (**at == '"') {
		good = skip_string(at);
	} else if (**at == '-' || isdigit((unsigned char)**at)) {
		strtod(*at, &end);
		good = end != *at;
		*at = end;
	} else {
		for (int i = 0; i < 3 && !good; i++) {
			good = !strncmp(*at, words[i], strlen(words[i]));
			*at += good ? strlen(words[i]) : 0;
		}
	}
	skip_space(at);
	return good;
}

static void check_json(const char *text)
{
	const char *at = text;

	if (!CHECK(skip_value(&at) && !*at))
		fprintf(stderr, "  no JSON at: %.60s\n", at);
}

static void check_reader(void)
{
	static const char *const bad[] = {
		"{", "{\"a\" 1}", "[1,]", "{\"a\":1,}", "\"\n\"", "\"\\x\"", "nul", "[1 2]", ""};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *at = bad[i];

		CHECK(!(skip_value(&at) && !*at));
	}
}

/* --- */

static void test_json(void)
{
	char *text = NULL;
	size_t size;
	struct json json = {.to = open_memstream(&text, &size)};

	json_open(&json, NULL, '{');
	json_text(&json, "te\"xt", "back\\slash \t \x01 \xc3\xa4 \xff");
	json_text(&json, "nothing", NULL);
	json_number(&json, "number", 0.1);
	json_number(&json, "none", NAN);
	json_bool(&json, "yes", true);
	json_open(&json, "list", '[');
	json_number(&json, NULL, 1);
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_close(&json, ']');
	json_close(&json, '}');
	fclose(json.to);
	check_json(text);
	CHECK_TEXT(text, "{\n"
			 "  \"te\\\"xt\": \"back\\\\slash \\u0009 \\u0001 \xc3\xa4 ?\",\n"
			 "  \"nothing\": null,\n"
			 "  \"number\": 0.1,\n"
			 "  \"none\": null,\n"
			 "  \"yes\": true,\n"
			 "  \"list\": [\n"
			 "    1,\n"
			 "    {}\n"
			 "  ]\n"
			 "}\n");
	free(text);
}

static void test_machine(void)
{
	static const char *const parts[] = {"\n  \"schema\": 1,",
					    "\n  \"run_id\": \"r\\\"1\",",
					    "\n  \"utc\": \"20",
					    "\n  \"arch\": \"riscv64\",",
					    "\n  \"emulator\": ",
					    "\n  \"cpu\": {\n    \"model\": ",
					    "\n  \"caches\": [",
					    "\n    \"usable_pus\": ",
					    "\n    \"governor\": ",
					    "\n    \"turbo\": ",
					    "\n    \"smt\": ",
					    "\n    \"isolcpus\": ",
					    "\n    \"nohz_full\": ",
					    "\n    \"rcu_nocbs\": ",
					    "\n    \"clocksource\": ",
					    "\n    \"aslr\": ",
					    "\n    \"numa_balancing\": ",
					    "\n    \"transparent_hugepages\": ",
					    "\n    \"total_kib\": ",
					    "\n  \"hypervisor\": {\n    \"present\": ",
					    "\n    \"source\": \"sundial\",",
					    "\n    \"cost_ns\": 12.5,",
					    "\n    \"resolution_ns\": 60",
					    "\n    \"1min\": ",
					    "\n    \"compiler\": ",
					    "\n    \"flags\": ",
					    "\n    \"git_revision\": ",
					    "\n    \"hwloc\": \"2.9.0\",",
					    "\n    \"ck\": null"};
	static const struct machine_library libraries[] = {{"hwloc", "2.9.0"}, {"ck", NULL}, {0}};
	const struct clock_facts clock = {
		.source = "sundial", .cost_ns = 12.5, .resolution_ns = 60};
	struct machine_facts facts = {
		.run_id = "r\"1", .arch = "riscv64", .libraries = libraries, .clock = &clock};
	struct utsname name;
	char part[256], *text, why[256] = "";

	CHECK(!pin_topology_load((struct pin_topology **)&facts.topo, NULL, NULL, 0));
	CHECK(!machine_write(path, &facts, why, sizeof(why)));
	CHECK_TEXT(why, "");
	text = content();
	check_json(text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		CHECK_HAS(text, parts[i]);
	CHECK(!uname(&name));
	snprintf(part, sizeof(part), "\n  \"host\": \"%s\",", name.nodename);
	CHECK_HAS(text, part);
	snprintf(part, sizeof(part), "\n    \"release\": \"%s\",", name.release);
	CHECK_HAS(text, part);
	snprintf(part, sizeof(part), "\n  \"execution\": \"%s\",", machine_execution());
	CHECK_HAS(text, part);
	snprintf(part, sizeof(part), "\n    \"usable_pus\": %u,", pin_pu_count(facts.topo));
	CHECK_HAS(text, part);
	CHECK_HAS(text, "\n    \"disagreement\": null");
	free(text);
	pin_topology_free((struct pin_topology *)facts.topo);
	unlink(path);
}

/* Nothing told, nothing invented. */
static void test_unknown(void)
{
	struct machine_facts facts = {.execution = "qemu-system"};
	char *text;

	CHECK(!machine_write(path, &facts, NULL, 0));
	text = content();
	check_json(text);
	CHECK_HAS(text, "\"run_id\": null,");
	CHECK_HAS(text, "\"arch\": null,");
	CHECK_HAS(text, "\"execution\": \"qemu-system\",");
	CHECK_HAS(text, "\"caches\": null,");
	CHECK_HAS(text, "\"topology\": null,");
	CHECK_HAS(text, "\"libraries\": {}");
	CHECK_HAS(text, "\"clock\": {\n    \"source\": null,");
	free(text);
	unlink(path);
}

static void test_facts(void)
{
	char value[256] = "", number[32];

	CHECK(!fact_file("/nonexistent", value, sizeof(value)));
	CHECK(fact_file("/dev/null", value, sizeof(value)));
	CHECK_TEXT(value, "");
	CHECK(!fact_selected("/proc/uptime", value, sizeof(value)));
	CHECK(!fact_link("/proc/uptime", value, sizeof(value)));
	CHECK(fact_link("/proc/self", value, sizeof(value)));
	snprintf(number, sizeof(number), "%ld", (long)getpid());
	CHECK_TEXT(value, number);
	CHECK(fact_meminfo("MemTotal", value, sizeof(value)));
	CHECK(*value && strspn(value, "0123456789") == strlen(value));
	CHECK(!fact_meminfo("MemTotals", value, sizeof(value)));
	CHECK(!fact_cpuinfo("no such key", value, sizeof(value)));
	if (fact_cmdline("surely.not.given", value, sizeof(value)))
		CHECK_TEXT(value, "");
	/* All processors have one number each: they are joined, and cut at the end. */
	if (fact_cpuinfo("processor", value, sizeof(value)))
		CHECK(!strncmp(value, "0", 1) && strlen(value) < sizeof(value));
}

static void test_write_errors(void)
{
	struct machine_facts facts = {0};
	struct rlimit before, small;
	char why[256], *text;
	struct stat st;

	CHECK(machine_write("/nonexistent/m.json", &facts, why, sizeof(why)) == -ENOENT);
	CHECK_TEXT(why, "/nonexistent/m.json: No such file or directory");
	CHECK(machine_write("/dev/full", &facts, why, sizeof(why)) == -ENOSPC);
	CHECK_TEXT(why, "/dev/full: No space left on device");
	CHECK(!stat("/dev/full", &st) && S_ISCHR(st.st_mode));
	CHECK(machine_write(folder, &facts, why, sizeof(why)) == -EISDIR);
	/* What was there stays, and nothing is left beside it: see rmdir() in main(). */
	CHECK(!savefile(path, "old", 3, NULL, 0));
	CHECK(!getrlimit(RLIMIT_FSIZE, &before));
	small = before;
	small.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	CHECK(!setrlimit(RLIMIT_FSIZE, &small));
	CHECK(machine_write(path, &facts, why, sizeof(why)) == -EFBIG);
	CHECK(!setrlimit(RLIMIT_FSIZE, &before));
	text = content();
	CHECK_TEXT(text, "old");
	free(text);
	unlink(path);
}

static void test_links(void)
{
	char link[80];
	struct stat st;
	char *text;

	snprintf(link, sizeof(link), "%s/link", folder);
	CHECK(!savefile(path, "old", 3, NULL, 0));
	CHECK(!symlink(path, link));
	CHECK(!savefile(link, "new", 3, NULL, 0));
	CHECK(!lstat(link, &st) && S_ISLNK(st.st_mode));
	text = content();
	CHECK_TEXT(text, "new");
	free(text);
	CHECK(!savefile("/dev/null", "new", 3, NULL, 0));
	CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
	unlink(link);
	unlink(path);
}

int main(void)
{
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/machine.json", folder);
	check_reader();
	test_json();
	test_machine();
	test_unknown();
	test_facts();
	test_write_errors();
	test_links();
	CHECK(!rmdir(folder));
	return check_result();
}
