/* One join and nothing else, for strace: no output, no program, no thread that stays. */
#include "test.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    char config[512], *id = NULL, *key = NULL;
    netberth *nb = NULL;
    int before, joined;

    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}",
             argv[argc - 1], argv[argc - 1]);
    before = threads();
    if (netberth_open(config, &nb, NULL) != 0 ||
        netberth_endpoint_create(nb, "bridge", "{\"name\":\"e\"}", &id, NULL) != 0) {
        return 2;
    }
    joined = netberth_join(nb, "bridge", "e", "{\"container_id\":\"c\"}", &key, NULL);
    netberth_string_free(id);
    netberth_string_free(key);
    if (joined != 0) {
        return 3;
    }
    if (!threads_come_to(before)) {
        return 4;
    }
    netberth_close(nb);
    return threads_come_to(before) ? 0 : 5;
}
