/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: what each flag sets, what is refused, and what is left for others. */
#include "check.h"
#include "options.h"

#include <errno.h>

#define MOST_ARGUMENTS 8

static struct options options;
static char why[256];
static char *argument[MOST_ARGUMENTS + 2];
static int arguments;

/* Parses a command line of up to three arguments; NULL ends it. */
static int parse(const char *a, const char *b, const char *c)
{
	const char *given[] = {"mnbench", a, b, c};

	for (arguments = 0; arguments < 4 && given[arguments]; arguments++)
		argument[arguments] = (char *)given[arguments];
	argument[arguments] = NULL;
	why[0] = '\0';
	return options_parse(&options, &arguments, argument, why, sizeof(why));
}

static int parse_one(const char *arg)
{
	return parse(arg, NULL, NULL);
}

static void test_defaults(void)
{
	CHECK(!parse(NULL, NULL, NULL));
	CHECK(!options.csv && !options.machine && !options.topology && !options.run_id);
	CHECK(!options.execution && !options.families && !options.pins);
	CHECK(!options.plan && !options.draw && !options.try_plan);
	CHECK(!options.from_xml && !options.synthetic);
	CHECK(!options.quick && !options.help && !options.version);
	CHECK(options.thread_counts == 0);
	CHECK(options.window_ms == 100);
	CHECK(options.overlap_floor == 0.9);
	CHECK(options.repetitions == 10 && options.max_repetitions == 30);
	CHECK(options.target == 0.02 && options.budget == 900 && options.twins == 16);
	CHECK(!options.has_seed && !options.baton);
}

static void test_texts(void)
{
	static const struct {
		const char *name;
		const char **place;
	} texts[] = {
		{"--csv", &options.csv},
		{"--machine", &options.machine},
		{"--topology", &options.topology},
		{"--run-id", &options.run_id},
		{"--pin", &options.pins},
		{"--from", &options.from_xml},
		{"--synthetic", &options.synthetic},
	};
	char joined[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		snprintf(joined, sizeof(joined), "%s=some thing=x", texts[i].name);
		CHECK(!parse_one(joined));
		CHECK_TEXT(*texts[i].place ? *texts[i].place : "", "some thing=x");
		CHECK(!parse(texts[i].name, "some thing", NULL));
		CHECK_TEXT(*texts[i].place ? *texts[i].place : "", "some thing");
		CHECK(arguments == 1);
		CHECK(parse(texts[i].name, "--version", NULL) == -EINVAL);
		CHECK_HAS(why, texts[i].name);
		CHECK(parse_one(texts[i].name) == -EINVAL);
		snprintf(joined, sizeof(joined), "%s=a\nb", texts[i].name);
		CHECK(parse_one(joined) == -EINVAL);
		CHECK_HAS(why, texts[i].name);
		CHECK(!strchr(why, '\n'));
	}
}

static void test_names(void)
{
	CHECK(!parse_one("--families=probe,seq"));
	CHECK(options_has(options.families, "seq") && options_has(options.families, "probe"));
	CHECK(!options_has(options.families, "srcu") && !options_has(options.families, "se"));
	CHECK(!options_has(options.families, "seq,probe"));
	CHECK(options_has(NULL, "anything") && !options_has("", "seq"));
	CHECK(!parse("--execution", "qemu-user", NULL));
	CHECK_TEXT(options.execution, "qemu-user");
	CHECK(!parse_one("--profile=quick") && options.quick && options.window_ms == 20);
	CHECK(!parse("--profile=quick", "--profile", "full"));
	CHECK(arguments == 1);
	CHECK(!parse("--profile=quick", "--profile=full", NULL) && !options.quick);
	CHECK(!parse("--profile=quick", "--window=7", NULL) && options.window_ms == 7);
}

static void test_numbers(void)
{
	CHECK(!parse_one("--threads=1,65536,3"));
	CHECK(options.thread_counts == 3 && options.threads[0] == 1);
	CHECK(options.threads[1] == 65536 && options.threads[2] == 3);
	CHECK(!parse("--threads=1,2", "--threads=4", NULL));
	CHECK(options.thread_counts == 1 && options.threads[0] == 4);
	CHECK(!parse("--window", "60000", NULL) && options.window_ms == 60000);
	CHECK(!parse_one("--overlap-floor=0") && options.overlap_floor == 0);
	CHECK(!parse("--overlap-floor", "0.25", NULL) && options.overlap_floor == 0.25);
	CHECK(!parse_one("--repetitions=4") && options.repetitions == 4);
	CHECK(options.max_repetitions == 12);
	CHECK(!parse_one("--repetitions=1000") && options.max_repetitions == 1000);
	CHECK(!parse("--max-repetitions=11", "--repetitions=11", NULL));
	CHECK(options.max_repetitions == 11);
	CHECK(!parse_one("--target=0.5") && options.target == 0.005);
	CHECK(!parse_one("--budget=1.5") && options.budget == 1.5);
	CHECK(!parse_one("--profile=quick") && options.budget == 75);
	CHECK(!parse("--profile=quick", "--budget=0", NULL) && options.budget == 0);
	CHECK(!parse_one("--twins=0") && options.twins == 0);
	CHECK(!parse_one("--seed=9007199254740991") && options.seed == MAX_SEED);
	CHECK(options.has_seed && !parse_one("--seed=0") && options.has_seed);
}

static void test_refused(void)
{
	static const char *const refused[] = {
		"--families=seq,nonsense",
		"--families=",
		"--families=seq,",
		"--families=,",
		"--execution=bare-metal",
		"--execution=native,qemu-user",
		"--profile=slow",
		"--profile=quick,full",
		"--profile=",
		"--threads=0",
		"--threads=-1",
		"--threads=+1",
		"--threads= 1",
		"--threads=1,",
		"--threads=1,,2",
		"--threads=2x",
		"--threads=65537",
		"--threads=99999999999999999999",
		/* 33 of them */
		"--threads=1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6",
		"--window=0",
		"--window=-5",
		"--window=60001",
		"--window=1.5",
		"--overlap-floor=1.1",
		"--overlap-floor=-0.1",
		"--overlap-floor=nan",
		"--overlap-floor=x",
		"--overlap-floor=",
		"--repetitions=0",
		"--repetitions=1001",
		"--repetitions=-1",
		"--repetitions=1x",
		"--repetitions=",
		"--max-repetitions=0",
		"--max-repetitions=9", /* below the 10 of each */
		"--target=-1",
		"--target=101",
		"--target=nan",
		"--budget=-1",
		"--budget=x",
		"--twins=-1",
		"--seed=-1",
		"--seed=x",
		"--seed=9007199254740992",
		"--seed=99999999999999999999",
		"--benchmark_repetitions=3",
		"--benchmark_enable_random_interleaving=true",
		"--benchmark_out=x.json",
		"--benchmark_nonsense=1",
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const char *equals = strchr(refused[i], '=');
		char flag[48];

		snprintf(flag, sizeof(flag), "%.*s", (int)(equals - refused[i]), refused[i]);
		if (parse_one(refused[i]) != -EINVAL) {
			CHECK_TEXT(refused[i], "refused");
			continue;
		}
		CHECK_HAS(why, flag);
		CHECK(!strchr(why, '\n'));
	}
}

/* What has another name here is told. */
static void test_replaced(void)
{
	CHECK(parse_one("--benchmark_repetitions=3") == -EINVAL);
	CHECK_HAS(why, "use --repetitions");
	CHECK(parse("--benchmark_out", "x.json", NULL) == -EINVAL);
	CHECK_HAS(why, "use --csv");
	CHECK(parse_one("--benchmark_enable_random_interleaving") == -EINVAL);
	CHECK_HAS(why, "--seed");
	CHECK(!parse("--benchmark_min_time=1", "--benchmark_list_tests", "--benchmark_filter=x"));
	CHECK(arguments == 4);
}

static void test_switches(void)
{
	CHECK(!parse_one("--help") && options.help && !options.version);
	CHECK(!parse("--version", "--profile=quick", NULL));
	CHECK(options.version && options.quick && !options.help);
	/* A switch takes no value, neither joined nor from the next. */
	CHECK(!parse("--help", "word", NULL));
	CHECK(options.help && arguments == 2);
	CHECK(parse_one("--help=yes") == -EINVAL);
	CHECK_HAS(why, "--help=yes");
	CHECK(!parse_one("--baton") && options.baton && !options.resume);
	CHECK(!parse("--resume", "--csv=x", NULL) && options.resume);
	CHECK(parse_one("--resume") == -EINVAL);
	CHECK_HAS(why, "--csv");
	CHECK(!parse_one("--count=x") && !strcmp(options.count, "x"));
	CHECK(parse("--count=x", "--baton", NULL) == -EINVAL);
	CHECK_HAS(why, "--count=x: goes with neither --resume nor --baton");
	CHECK(parse_one("--count=") == -EINVAL);
	CHECK(!parse("--plan", "--draw", "--try-plan"));
	CHECK(options.plan && options.draw && options.try_plan && !options.help);
}

static void test_rest(void)
{
	CHECK(!parse("--benchmark_filter=x", "--window=5", "--v=1"));
	CHECK(arguments == 3);
	CHECK_TEXT(argument[1], "--benchmark_filter=x");
	CHECK_TEXT(argument[2], "--v=1");
	CHECK(!argument[3]);
	CHECK(options_check_rest(arguments, argument, why, sizeof(why)) == -EINVAL);
	CHECK_HAS(why, "--benchmark_filter=x");

	CHECK(!parse("word", "--", "-c"));
	CHECK(arguments == 4);
	CHECK(options_check_rest(arguments, argument, why, sizeof(why)) == -EINVAL);
	CHECK_HAS(why, "word");

	/* A flag that is not ours does not swallow what follows it. */
	CHECK(!parse("--unknown", "--csv", "file"));
	CHECK(arguments == 2);
	CHECK_TEXT(options.csv ? options.csv : "", "file");
	CHECK(!parse("--unknown", "word", "--window=5"));
	CHECK(arguments == 3 && options.window_ms == 5);
	CHECK(!parse(NULL, NULL, NULL));
	CHECK(!options_check_rest(arguments, argument, why, sizeof(why)));
}

int main(void)
{
	test_defaults();
	test_texts();
	test_names();
	test_numbers();
	test_refused();
	test_replaced();
	test_switches();
	test_rest();
	return check_result();
}
