/* A program with functions of SQLite's names, linked to netberth's static library, which has SQLite
 * inside: the two must neither clash nor be taken for one another. */
#include <netberth.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int called;

/* Whoever calls these is the program itself. */
#define OWN(name)    \
    int name(void);  \
    int name(void)   \
    {                \
        return ++called; \
    }
OWN(sqlite3_initialize)
OWN(sqlite3_open)
OWN(sqlite3_open_v2)
OWN(sqlite3_exec)
OWN(sqlite3_prepare_v2)
OWN(sqlite3_prepare_v3)
OWN(sqlite3_step)
OWN(sqlite3_reset)
OWN(sqlite3_finalize)
OWN(sqlite3_close)
OWN(sqlite3_close_v2)
OWN(sqlite3_malloc)
OWN(sqlite3_free)
OWN(sqlite3_config)
OWN(sqlite3_errmsg)

int main(int argc, char **argv)
{
    char config[512], *json = NULL;
    netberth_error *err = NULL;
    netberth *nb = NULL;
    int fine;

    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}",
             argv[argc - 1], argv[argc - 1]);
    fine = netberth_open(config, &nb, &err) == 0 &&
           netberth_network_list(nb, NULL, 0, &json, &err) == 0 &&
           strstr(json, "\"bridge\"") != NULL && called == 0;
    fine = fine && sqlite3_initialize() == 1 && sqlite3_open() == 2 && sqlite3_step() == 3;
    printf("%s\n", netberth_error_message(err));
    netberth_error_free(err);
    netberth_string_free(json);
    netberth_close(nb);
    return fine ? 0 : 1;
}
