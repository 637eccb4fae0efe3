/* What the two programs of the comparison share: a line in, its time out. */
#ifndef NETBERTH_BENCH_SERVE_H
#define NETBERTH_BENCH_SERVE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { WORDS = 16, LINE = 1 << 20 };

static inline long long clock_now(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Splits at tabs: requests are JSON, which has spaces. */
static inline int words(char *line, char **word, int most)
{
	int count = 0;
	line[strcspn(line, "\n")] = 0;
	for (char *one = strtok(line, "\t"); one && count < most; one = strtok(NULL, "\t"))
		word[count++] = one;
	return count;
}

/*
 * Does what each line says, and answers with nanoseconds: of the clock, and of the processor that all
 * threads of this process had.
 */
static inline void serve(void (*act)(int count, char **word))
{
	static char line[LINE];
	char *word[WORDS];
	while (fgets(line, sizeof line, stdin)) {
		int count = words(line, word, WORDS);
		if (count == 0)
			continue;
		long long wall = clock_now(CLOCK_MONOTONIC);
		long long cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID);
		act(count, word);
		cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		wall = clock_now(CLOCK_MONOTONIC) - wall;
		printf("%lld %lld\n", wall, cpu);
		fflush(stdout);
	}
}

#endif
