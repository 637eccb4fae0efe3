/*
 * Traffic through whatever lies between: TCP connections and bytes.
 *
 *   traffic server PORT                     takes all connections and reads what comes, until it is killed
 *   traffic connect ADDRESS PORT COUNT      connects and resets: nanoseconds of each, one a line
 *   traffic stream ADDRESS PORT SECONDS     sends: bytes a second
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

enum { CONNECTIONS = 1024, BLOCK = 1 << 17 };

static char block[BLOCK];

static void server(int port)
{
	static struct pollfd polled[CONNECTIONS];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, count = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096))
		fail("listen");
	puts("ready");
	fflush(stdout);
	polled[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (;;) {
		poll(polled, count, -1);
		for (int i = count - 1; i > 0; i--) {
			if (!polled[i].revents || read(polled[i].fd, block, BLOCK) > 0)
				continue;
			close(polled[i].fd);
			polled[i] = polled[--count];
		}
		int fd;
		while (count < CONNECTIONS && (fd = accept(listener, NULL, NULL)) >= 0)
			polled[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
}

static int connected(const char *address, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct linger at_once = { 1, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	if (connect(fd, (struct sockaddr *)&to, sizeof to))
		fail("connect");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "server"))
		server(atoi(argv[2]));
	if (argc != 5)
		return 2;
	if (!strcmp(argv[1], "connect")) {
		for (int left = atoi(argv[4]); left > 0; left--) {
			long long begun = clock_now(CLOCK_MONOTONIC);
			int fd = connected(argv[2], atoi(argv[3]));
			printf("%lld\n", clock_now(CLOCK_MONOTONIC) - begun);
			close(fd);
		}
		return 0;
	}
	int fd = connected(argv[2], atoi(argv[3]));
	long long sent = 0, begun = clock_now(CLOCK_MONOTONIC), took = 0;
	while (took < atoi(argv[4]) * 1000000000LL) {
		ssize_t part = write(fd, block, BLOCK);
		if (part < 0)
			fail("write");
		sent += part;
		took = clock_now(CLOCK_MONOTONIC) - begun;
	}
	printf("%.0f\n", sent * 1e9 / took);
	return 0;
}
