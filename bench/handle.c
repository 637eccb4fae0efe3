/*
 * netberth through its C ABI, as a runtime would use it.
 *
 *   handle serve STATE RUN          an open handle: one line of words apart by tabs each
 *   handle once STATE RUN ACTION ...  opens, acts, closes, ends
 *
 *   network JSON, unnetwork NAME
 *   endpoint NETWORK JSON, unendpoint NETWORK ENDPOINT
 *   join NETWORK ENDPOINT JSON, detach NETWORK ENDPOINT CONTAINER, remove CONTAINER
 *   attach NETWORK ENDPOINT-JSON ENDPOINT JSON     both at once
 *   many JSON                                      netberth_join_many
 *   parallel THREADS COUNT NETWORK ...             each thread attaches COUNT containers to its network
 */
#include <netberth.h>
#include <pthread.h>

#include "serve.h"

static netberth *handle;

static void check(int status, netberth_error *error, const char *what)
{
	if (status == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, netberth_error_message(error));
	exit(1);
}

struct one {
	const char *network;
	int count, number, threads;
};

static void *joins(void *of)
{
	struct one *one = of;
	char endpoint[256], join[256], name[64];
	for (int n = 0; n < one->count; n++) {
		netberth_error *error = NULL;
		char *text = NULL;
		snprintf(name, sizeof name, "p%d-%d-%d", one->threads, one->number, n);
		snprintf(endpoint, sizeof endpoint, "{\"name\":\"%s\"}", name);
		snprintf(join, sizeof join, "{\"container_id\":\"%s\"}", name);
		check(netberth_endpoint_create(handle, one->network, endpoint, &text, &error), error, name);
		netberth_string_free(text);
		check(netberth_join(handle, one->network, name, join, &text, &error), error, name);
		netberth_string_free(text);
	}
	return NULL;
}

static void parallel(int threads, int count, char **networks)
{
	pthread_t thread[8];
	struct one each[8];
	for (int n = 0; n < threads; n++) {
		each[n] = (struct one){ networks[n], count, n, threads };
		pthread_create(&thread[n], NULL, joins, &each[n]);
	}
	for (int n = 0; n < threads; n++)
		pthread_join(thread[n], NULL);
}

static void act(int count, char **word)
{
	netberth_error *error = NULL;
	char *text = NULL;
	int status = -1;
	const char *verb = word[0];
	if (!strcmp(verb, "parallel") && count >= 4) {
		parallel(atoi(word[1]), atoi(word[2]), word + 3);
		return;
	}
	if (!strcmp(verb, "network") && count == 2)
		status = netberth_network_create(handle, word[1], &text, &error);
	else if (!strcmp(verb, "unnetwork") && count == 2)
		status = netberth_network_delete(handle, word[1], 0, &error);
	else if (!strcmp(verb, "endpoint") && count == 3)
		status = netberth_endpoint_create(handle, word[1], word[2], &text, &error);
	else if (!strcmp(verb, "unendpoint") && count == 3)
		status = netberth_endpoint_delete(handle, word[1], word[2], NETBERTH_FORCE, &error);
	else if (!strcmp(verb, "join") && count == 4)
		status = netberth_join(handle, word[1], word[2], word[3], &text, &error);
	else if (!strcmp(verb, "detach") && count == 4)
		status = netberth_detach(handle, word[1], word[2], word[3], 0, &error);
	else if (!strcmp(verb, "remove") && count == 2)
		status = netberth_sandbox_delete(handle, word[1], 0, &error);
	else if (!strcmp(verb, "many") && count == 2)
		status = netberth_join_many(handle, word[1], NETBERTH_ATOMIC, &text, &error);
	else if (!strcmp(verb, "attach") && count == 5) {
		check(netberth_endpoint_create(handle, word[1], word[2], &text, &error), error, verb);
		netberth_string_free(text);
		text = NULL;
		status = netberth_join(handle, word[1], word[3], word[4], &text, &error);
	} else {
		fprintf(stderr, "what is %s?\n", verb);
		exit(2);
	}
	check(status, error, verb);
	netberth_string_free(text);
}

static void open_state(const char *state, const char *run)
{
	char config[4096];
	netberth_error *error = NULL;
	snprintf(config, sizeof config, "{\"state_dir\":\"%s\",\"run_dir\":\"%s\"}", state, run);
	check(netberth_open(config, &handle, &error), error, "open");
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve")) {
		open_state(argv[2], argv[3]);
		serve(act);
	} else if (argc > 4 && !strcmp(argv[1], "once")) {
		open_state(argv[2], argv[3]);
		act(argc - 4, argv + 4);
	} else {
		return 2;
	}
	netberth_close(handle);
	return 0;
}
