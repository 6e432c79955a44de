/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results file: what is in a row, and that only whole rows are ever in the file. */
#define _GNU_SOURCE 1
#include "check.h"
#include "rows.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEADER                                                                                     \
	"schema,run_id,utc,host,arch,execution,subject,family,op,variant,threads,pin,params,rep,"  \
	"iterations,real_ns_per_op,cpu_ns_per_op,ops_per_s,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,"   \
	"insns_per_op,overlap,fairness,flags,error\n"

static char folder[] = "/tmp/mnbench-rows-XXXXXX";
static char path[64];

/* The file's text; the caller frees. */
static char *content(void)
{
	char *text = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "r");

	if (!CHECK(file))
		exit(1);
	if (getdelim(&text, &room, EOF, file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static void write_content(const char *text)
{
	FILE *file = fopen(path, "w");

	if (!CHECK(file))
		exit(1);
	fputs(text, file);
	fclose(file);
}

static void check_content(const char *expected)
{
	char *text = content();

	CHECK_TEXT(text, expected);
	free(text);
}

static struct rows *open_rows(void)
{
	struct rows *rows = NULL;
	char why[256] = "";

	if (rows_open(&rows, path, why, sizeof(why))) {
		fprintf(stderr, "cannot open: %s\n", why);
		exit(1);
	}
	return rows;
}

static void full_row(struct row *row)
{
	*row = (struct row){
		.run_id = "r1",
		.utc = "2026-01-31T23:59:59Z",
		.host = "h",
		.arch = "riscv64",
		.execution = "native",
		.subject = "port",
		.family = "seq",
		.op = "insert",
		.variant = "queued",
		.threads = 2,
		.pin = "compact",
		.params = "intervals:64;writers:1",
		.rep = 0,
		.iterations = 1000000,
		.real_ns_per_op = 0.1,
		.cpu_ns_per_op = 1.0 / 3,
		.ops_per_s = 1e10,
		.p50_ns = 50,
		.p90_ns = 90.5,
		.p99_ns = 99,
		.p999_ns = 999.25,
		.max_ns = 1e21,
		.insns_per_op = 0,
		.overlap = 1,
		.fairness = 0.9999999999999999,
		.flags = "emulated;oversubscribed",
	};
}

static void test_cells(void)
{
	struct rows *rows = open_rows();
	struct row row;

	full_row(&row);
	CHECK(!rows_append(rows, &row, NULL, 0));
	/* A failed row has no figures, whatever was measured. */
	row.error = "xnode: one node";
	CHECK(!rows_append(rows, &row, NULL, 0));
	/* Nothing known: nothing invented; but the time is. */
	row_init(&row);
	row.utc = "";
	row.real_ns_per_op = INFINITY;
	CHECK(!rows_append(rows, &row, NULL, 0));
	CHECK(!rows_close(rows, NULL, 0));
	check_content(
		HEADER
		"1,r1,2026-01-31T23:59:59Z,h,riscv64,native,port,seq,insert,queued,2,compact,"
		"intervals:64;writers:1,0,1000000,0.1,0.3333333333333333,10000000000,50,90.5,"
		"99,999.25,1e+21,0,1,0.9999999999999999,emulated;oversubscribed,\n"
		"1,r1,2026-01-31T23:59:59Z,h,riscv64,native,port,seq,insert,queued,2,compact,"
		"intervals:64;writers:1,0,,,,,,,,,,,,,emulated;oversubscribed,xnode: one node\n"
		"1,,,,,,,,,,,,,,,,,,,,,,,,,,,\n");
	unlink(path);
}

static void test_quoting(void)
{
	struct rows *rows = open_rows();
	struct row row;
	char *text;

	row_init(&row);
	row.run_id = "a,b";
	row.host = "say \"x\"";
	row.pin = "list:0,2";
	row.params = "umlaut:\xc3\xa4";
	row.flags = "\xff\xc3(\xed\xa0\x80"; /* no UTF-8: a lone byte, a cut one, a surrogate */
	row.error = "two\nlines";
	CHECK(!rows_append(rows, &row, NULL, 0));
	CHECK(!rows_close(rows, NULL, 0));
	text = content();
	CHECK_HAS(text, "\n1,\"a,b\",20");
	CHECK_HAS(text, "Z,\"say \"\"x\"\"\",");
	CHECK_HAS(text, ",\"list:0,2\",umlaut:\xc3\xa4,");
	CHECK_HAS(text, ",??"
			"(???,\"two\nlines\"\n");
	free(text);
	unlink(path);
}

static void test_time(void)
{
	char text[TEXT_UTC];

	text_utc(text);
	CHECK(strlen(text) == strlen("2026-01-31T23:59:59Z"));
	CHECK(strspn(text, "0123456789-:TZ") == strlen(text) && text[10] == 'T' && text[19] == 'Z');
}

static void check_number(double number)
{
	char text[TEXT_NUMBER];

	text_number(text, number);
	CHECK(strtod(text, NULL) == number);
	CHECK(strspn(text, "0123456789.e+-") == strlen(text));
}

static void test_numbers(void)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {{0, "0"},
		     {-0.0, "0"},
		     {1, "1"},
		     {-2.5, "-2.5"},
		     {0.31, "0.31"},
		     {1e15, "1000000000000000"},
		     {9007199254740993.0, "9007199254740992"},
		     {1e300, "1e+300"},
		     {5e-324, "5e-324"},
		     {0.1 + 0.2, "0.30000000000000004"}};
	/* A locale with a decimal comma, where there is one. */
	static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
	char text[TEXT_NUMBER];

	for (size_t l = 0; l < sizeof(locales) / sizeof(*locales); l++) {
		if (!setlocale(LC_ALL, locales[l])) {
			printf("locale %s is not here\n", locales[l]);
			continue;
		}
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			text_number(text, cases[i].number);
			CHECK_TEXT(text, cases[i].text);
		}
	}
	setlocale(LC_ALL, "C");
	srand48(1);
	for (int i = 0; i < 20000; i++) {
		check_number(drand48());
		check_number(ldexp(drand48(), (int)(lrand48() % 2000) - 1000));
	}
}

static void test_append_to_old(void)
{
	struct rows *rows;
	struct row row;
	char *text;

	row_init(&row);
	row.utc = "t";
	for (int i = 0; i < 3; i++) {
		rows = open_rows();
		row.rep = i;
		CHECK(!rows_append(rows, &row, NULL, 0));
		CHECK(!rows_close(rows, NULL, 0));
	}
	text = content();
	CHECK(!strncmp(text, HEADER, strlen(HEADER)));
	CHECK_TEXT(text + strlen(HEADER), "1,,t,,,,,,,,,,,0,,,,,,,,,,,,,,\n"
					  "1,,t,,,,,,,,,,,1,,,,,,,,,,,,,,\n"
					  "1,,t,,,,,,,,,,,2,,,,,,,,,,,,,,\n");
	free(text);
	CHECK(!rows_close(NULL, NULL, 0));
	/* An empty file is a new one. */
	write_content("");
	CHECK(!rows_close(open_rows(), NULL, 0));
	check_content(HEADER);
	unlink(path);
}

static void test_refused(void)
{
	static const struct {
		const char *content, *why;
	} cases[] = {
		{"name,real_time\n", "line 1 is not the header of schema 1"},
		{"schema,run_id", "line 1 is not the header of schema 1"},
		{"\n" HEADER, "line 1 is not the header of schema 1"},
		{HEADER "1,r1,2026-01",
		 "the last line is cut off; remove it, or name another file"},
	};
	struct rows *rows = NULL;
	char why[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_content(cases[i].content);
		CHECK(rows_open(&rows, path, why, sizeof(why)) == -EINVAL);
		CHECK_HAS(why, cases[i].why);
		CHECK(!strncmp(why, path, strlen(path)));
		check_content(cases[i].content);
	}
	CHECK(!rows);
	unlink(path);
	CHECK(rows_open(&rows, "/nonexistent/f.csv", why, sizeof(why)) == -ENOENT);
	CHECK_TEXT(why, "/nonexistent/f.csv: No such file or directory");
	CHECK(rows_open(&rows, folder, why, sizeof(why)) == -EISDIR);
	CHECK(rows_open(&rows, "/dev/full", why, sizeof(why)) == -ENOSPC);
	CHECK_TEXT(why, "/dev/full: No space left on device");
}

static void test_two_runs(void)
{
	struct rows *first = open_rows(), *second = NULL;
	char why[256];

	CHECK(rows_open(&second, path, why, sizeof(why)) == -EBUSY);
	CHECK_HAS(why, "another run is writing to it");
	check_content(HEADER);
	CHECK(!rows_close(first, NULL, 0));
	CHECK(!rows_open(&second, path, why, sizeof(why)));
	CHECK(!rows_close(second, NULL, 0));
	unlink(path);
}

/* A limit on the file's size cuts a write short, as a full disk does. */
static void test_no_space(void)
{
	struct rlimit before, small;
	struct rows *rows = open_rows();
	struct row row;
	char *whole, why[256];

	full_row(&row);
	for (int i = 0; i < 3; i++)
		CHECK(!rows_append(rows, &row, NULL, 0));
	whole = content();
	CHECK(!getrlimit(RLIMIT_FSIZE, &before));
	small = before;
	small.rlim_cur = strlen(whole) + 10;
	signal(SIGXFSZ, SIG_IGN);
	CHECK(!setrlimit(RLIMIT_FSIZE, &small));
	CHECK(rows_append(rows, &row, why, sizeof(why)) == -ENOSPC);
	CHECK_HAS(why, "No space left on device");
	CHECK(!strncmp(why, path, strlen(path)));
	CHECK(!setrlimit(RLIMIT_FSIZE, &before));
	check_content(whole);
	CHECK(!rows_append(rows, &row, NULL, 0));
	CHECK(!rows_close(rows, NULL, 0));
	free(whole);
	unlink(path);
}

static void test_pipe(void)
{
	struct rows *rows;
	struct row row;
	char text[1024] = "";
	ssize_t n;
	int fd;

	CHECK(!mkfifo(path, 0600));
	fd = open(path, O_RDONLY | O_NONBLOCK);
	rows = open_rows();
	row_init(&row);
	row.utc = "t";
	CHECK(!rows_append(rows, &row, NULL, 0));
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	CHECK_TEXT(text, HEADER "1,,t,,,,,,,,,,,,,,,,,,,,,,,,,\n");
	signal(SIGPIPE, SIG_IGN);
	close(fd);
	CHECK(rows_append(rows, &row, NULL, 0) == -EPIPE);
	rows_close(rows, NULL, 0);
	unlink(path);
}

static void write_for_ever(void)
{
	struct rows *rows = open_rows();
	struct row row;

	full_row(&row);
	while (!rows_append(rows, &row, NULL, 0))
		;
	_exit(1);
}

static unsigned commas(const char *line)
{
	unsigned n = 0;

	for (; *line && *line != '\n'; line++)
		n += *line == ',';
	return n;
}

/*
 * Every line that is there is a whole one. The kernel looks for SIGKILL between the pages of one
 * write(2), so that about one in 500 of these kills cuts a row, and only ever where a page ends;
 * that file is refused.
 */
static void check_after_kill(void)
{
	char *text = content(), *line = text, *end;
	struct rows *rows;
	size_t length = strlen(text);

	for (; (end = strchr(line, '\n')); line = end + 1) {
		CHECK(commas(line) == 27);
		CHECK(line == text || !strncmp(line, "1,r1,2026-01-31T23:59:59Z,h,riscv64,", 36));
	}
	if (*line) {
		printf("a row was cut at %zu\n", length);
		CHECK(length % (size_t)sysconf(_SC_PAGESIZE) == 0);
		CHECK(rows_open(&rows, path, NULL, 0) == -EINVAL);
	} else {
		/* The lock has gone with its holder. */
		CHECK(!rows_open(&rows, path, NULL, 0));
		CHECK(!rows_close(rows, NULL, 0));
	}
	free(text);
}

static void test_kill(void)
{
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();
		struct stat st = {0};
		int status;

		if (!child)
			write_for_ever();
		while (stat(path, &st) || st.st_size < 2000)
			usleep(100);
		usleep((useconds_t)(lrand48() % 1000));
		CHECK(!kill(child, SIGKILL));
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
		check_after_kill();
		unlink(path);
	}
}

int main(void)
{
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/f.csv", folder);
	test_cells();
	test_quoting();
	test_time();
	test_numbers();
	test_append_to_old();
	test_refused();
	test_two_runs();
	test_no_space();
	test_pipe();
	test_kill();
	CHECK(!rmdir(folder));
	return check_result();
}
