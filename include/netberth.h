/*
 * netberth: container networking in your process, over raw netlink.
 *
 * This file is generated from src/ffi by `make header`; change it there.
 *
 * Rules for callers
 * =================
 *
 * Success    A function that can fail returns 0, or the negative number of the kind of failure.
 *            Outputs are written on success and only then.
 *
 * Errors     The last argument, `netberth_error **err`, may be NULL. On failure it receives an
 *            error, which is yours: free it with netberth_error_free(). On success it is left as
 *            it was, so set it to NULL before the first call. Nothing is kept per thread.
 *            Kinds are numbers that never change meaning; the words are for people.
 *
 * Text       Requests and answers are JSON, the same documents at every door (C, HTTP, command
 *            line). All text is UTF-8 that ends in NUL; anything else is refused as invalid.
 *            A key that netberth does not know is refused, by name, and not passed over.
 *
 * Flags      A function without a request document takes flags. 0 is always right; a flag that a
 *            function does not know is refused, so that it can mean something one day.
 *
 * Ownership  What you pass in stays yours and is not kept after the call. Each `char **` output
 *            is yours: free it with netberth_string_free(), never with free(). Every *_free()
 *            takes NULL and does nothing. Free each thing once.
 *
 * NULL       A NULL handle, request or output is refused as invalid and never followed, except
 *            where a function says that NULL has a meaning.
 *
 * Handles    They are opaque. No structure declared here has members you can see, so none can
 *            change its size under you. A handle must not be used after it was closed. Its host is
 *            the network namespace of the thread that opened it.
 *
 * Threads    One handle may be used by any number of threads at once. Closing it is the
 *            exception: no other call may be under way. No function depends on the thread it is
 *            called from, and none moves the calling thread to another namespace.
 *
 * Processes  Any number of processes may use one state directory at once. After fork() the child
 *            opens a handle of its own and leaves its parent's alone.
 *
 * Your       netberth installs no signal handler, writes no environment variable, prints nothing,
 * process    runs no program and starts no thread that outlives the call unless you ask for one.
 *
 * Panics     None crosses this boundary. Should netberth break a promise of its own, the call
 *            fails with the kind `bug` and the process lives on. Memory that runs out is the
 *            exception: it ends the process, as in any Rust library.
 *
 * Callbacks  They may come from any thread, never while a lock is held, and must return: no
 *            longjmp() and no C++ exception may leave one.
 *
 * Versions   The soname changes when a program would have to be rebuilt, and at no other time.
 *            netberth_abi_version() is the library's own number; the macros below are those of
 *            this header.
 */


#ifndef NETBERTH_H
#define NETBERTH_H

#include <stddef.h>
#include <stdint.h>

#define NETBERTH_VERSION_MAJOR 0
#define NETBERTH_VERSION_MINOR 1
#define NETBERTH_VERSION_PATCH 0
#define NETBERTH_VERSION "0.1.0"




/**
 * The number of this interface. It changes when programs must be built again, and the soname with
 * it; netberth_abi_version() is the same of the library that a program found.
 */
#define NETBERTH_ABI 0

/**
 * Something could not be cleaned up or recovered.
 */
#define NETBERTH_LOG_WARNING 4

/**
 * A verb was done.
 */
#define NETBERTH_LOG_INFO 6

/**
 * A step, as the `ip`, `nft` or `sysctl` line that it equals.
 */
#define NETBERTH_LOG_DEBUG 7

/**
 * For functions that look: tell all there is, as `?verbose=1` does over HTTP.
 */
#define NETBERTH_VERBOSE 1

/**
 * For functions that delete: detach first what is joined.
 */
#define NETBERTH_FORCE 2

/**
 * For netberth_service_detach(): connections go on, and only new ones go elsewhere.
 */
#define NETBERTH_DRAIN 4

/**
 * For netberth_join_many(): all or none.
 */
#define NETBERTH_ATOMIC 8

/**
 * The request is malformed or contradicts itself.
 */
#define NETBERTH_KIND_INVALID -1

/**
 * Nothing has that name or id.
 */
#define NETBERTH_KIND_NOT_FOUND -2

/**
 * The name, address, port or device is taken already.
 */
#define NETBERTH_KIND_EXISTS -3

/**
 * It cannot go while something else depends on it.
 */
#define NETBERTH_KIND_IN_USE -4

/**
 * A pool, a bridge or a table is full.
 */
#define NETBERTH_KIND_EXHAUSTED -5

/**
 * The caller lacks a right, or the object is not the caller's to change.
 */
#define NETBERTH_KIND_DENIED -6

/**
 * This kernel or this version cannot do it.
 */
#define NETBERTH_KIND_UNSUPPORTED -7

/**
 * The kernel refused a request; netberth_error_errno() says with which number.
 */
#define NETBERTH_KIND_KERNEL -8

/**
 * The state directory cannot be read or written.
 */
#define NETBERTH_KIND_STORE -9

/**
 * Another thread or process holds the state directory for too long.
 */
#define NETBERTH_KIND_BUSY -10

/**
 * Something did not happen in time.
 */
#define NETBERTH_KIND_TIMEOUT -11

/**
 * netberth broke one of its own promises; the process is unharmed.
 */
#define NETBERTH_KIND_BUG -12

/**
 * Why a call failed. It belongs to whoever received it, and nothing changes it: any number of
 * threads may read it.
 */
typedef struct netberth_error netberth_error;

/**
 * A state directory that was opened, and the network namespace it was opened in.
 */
typedef struct netberth netberth;

/**
 * Receives messages: `level` is one of NETBERTH_LOG_..., whose numbers are those of syslog(3),
 * `message` is one line of UTF-8 without a line end that lives until the callback returns, and
 * `user` is what was given to netberth_set_log().
 */
typedef void (*netberth_log_fn)(int level, const char *message, void *user);



#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Opens a state directory, which is created where it is absent. The network namespace of the
 * calling thread is the host's for this handle, whatever thread uses it later. What a process that
 * died had begun is undone or finished first, and the networks `none`, `host` and `bridge` are
 * there afterwards. Nothing is changed in the kernel by opening a directory that is new.
 *
 * \param config_json  {"state_dir","run_dir","netns_dir","lock_timeout_ms"}, all optional; NULL
 *                     stands for {}. Absent are /var/lib/netberth, /run/netberth,
 *                     RUN_DIR/netns and 30000.
 * \param out          Receives the handle: close it with netberth_close().
 * \param err          Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid` for a document that says nothing sensible, `denied`
 *         or `store` for a directory that cannot be used, `busy` if another process holds it for
 *         longer than lock_timeout_ms.
 */
int netberth_open(const char *config_json, netberth **out, netberth_error **err);

/**
 * Closes a handle. What it made stays: networks outlive handles and processes. No other call with
 * this handle may be under way; when this returns, the log callback is not called again.
 *
 * \param nb  A handle, or NULL.
 */
void netberth_close(netberth *nb);

/**
 * Sets where messages go: nowhere at first. The callback runs on the thread of the call that has
 * something to tell, when that call holds no lock any more, and may call netberth itself.
 *
 * \param nb    A handle.
 * \param log   The callback; NULL for none. Calls of other threads that are under way may still
 *              use the one before.
 * \param user  Handed back to the callback and otherwise left alone; may be NULL. It must live
 *              until the handle is closed, or until no call is under way that began before
 *              another callback was set.
 * \param err   Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid` if `nb` is NULL.
 */
int netberth_set_log(netberth *nb, netberth_log_fn log, void *user, netberth_error **err);

/**
 * The version of the library that the program found, such as "0.1.0"; NETBERTH_VERSION is that of
 * the header that it was built with.
 *
 * \return Static text: do not free it. It cannot fail.
 */
const char *netberth_version(void);

/**
 * The number of the interface of the library that the program found. A program that was built with
 * another NETBERTH_ABI must not use it; the soname sees to that for programs that are linked, and
 * this function is for those that load the library by hand.
 *
 * \return The number. It cannot fail.
 */
uint32_t netberth_abi_version(void);

/**
 * Creates a network and brings it up: device, addresses, rules. Nothing is left of a creation that
 * fails.
 *
 * \param nb            A handle.
 * \param request_json  {"name","network_type","options"}: the document of POST /networks.
 * \param id_out        Receives the id, 64 hexadecimal digits: free it with
 *                      netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid`; `not_found` for an unknown network_type; `exists`
 *         for a name that is taken or a subnet that overlaps; `denied` for the types null and
 *         host, which exist once each, and for a device that is not netberth's; `exhausted` when
 *         no subnet is free; `kernel` for what the kernel refuses.
 */
int netberth_network_create(netberth *nb,
                            const char *request_json,
                            char **id_out,
                            netberth_error **err);

/**
 * Shows a network.
 *
 * \param nb        A handle.
 * \param network   Its id, its name, or the first four or more digits of its id.
 * \param flags     0 or NETBERTH_VERBOSE.
 * \param json_out  Receives {"name","id","type","endpoints"}, and with NETBERTH_VERBOSE
 *                  "options", "created" and "labels" too: free it with netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `invalid` for digits that several ids begin with.
 */
int netberth_network_get(netberth *nb,
                         const char *network,
                         uint32_t flags,
                         char **json_out,
                         netberth_error **err);

/**
 * Lists networks in order of creation.
 *
 * \param nb           A handle.
 * \param filter_json  {"name"} for an exact name or {"partial_id"} for the beginning of an id;
 *                     NULL stands for {}, which is all.
 * \param flags        0 or NETBERTH_VERBOSE.
 * \param json_out     Receives an array of what netberth_network_get() shows, [] where there is
 *                     none: free it with netberth_string_free().
 * \param err          Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid` for two filters at once.
 */
int netberth_network_list(netberth *nb,
                          const char *filter_json,
                          uint32_t flags,
                          char **json_out,
                          netberth_error **err);

/**
 * Deletes a network: rules, addresses and device. If the kernel refuses a part, the rest is gone
 * all the same, and the call can be repeated.
 *
 * \param nb       A handle.
 * \param network  Its id, its name, or the first four or more digits of its id.
 * \param flags    0.
 * \param err      Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `in_use` while it has endpoints, which the message
 *         names; `denied` for the networks none, host and bridge.
 */
int netberth_network_delete(netberth *nb,
                            const char *network,
                            uint32_t flags,
                            netberth_error **err);

/**
 * Creates an endpoint on a network. Its addresses are its own until it is deleted.
 *
 * \param nb            A handle.
 * \param network       The network's id, name, or the first four or more digits of its id.
 * \param request_json  {"name","exposed_ports","port_mapping",...}: the document of
 *                      POST /networks/NETWORK/endpoints.
 * \param id_out        Receives the id, 64 hexadecimal digits: free it with
 *                      netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid`, also for an address outside the network's subnets;
 *         `not_found` for the network; `exists` for a name, an address or a host port that is
 *         taken; `exhausted` when no address is free.
 */
int netberth_endpoint_create(netberth *nb,
                             const char *network,
                             const char *request_json,
                             char **id_out,
                             netberth_error **err);

/**
 * Shows an endpoint.
 *
 * \param nb        A handle.
 * \param network   The network's id, name, or the first four or more digits of its id.
 * \param endpoint  The endpoint's, likewise.
 * \param flags     0 or NETBERTH_VERBOSE.
 * \param json_out  Receives {"name","id","network"}, and with NETBERTH_VERBOSE "addresses",
 *                  "mac", "exposed_ports", "port_mapping", "container", "interface",
 *                  "sandbox_key" and more: free it with netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `invalid` for digits that several ids begin with.
 */
int netberth_endpoint_get(netberth *nb,
                          const char *network,
                          const char *endpoint,
                          uint32_t flags,
                          char **json_out,
                          netberth_error **err);

/**
 * Lists the endpoints of a network in order of creation.
 *
 * \param nb           A handle.
 * \param network      The network's id, name, or the first four or more digits of its id.
 * \param filter_json  {"name"} for an exact name or {"partial_id"} for the beginning of an id;
 *                     NULL stands for {}, which is all.
 * \param flags        0 or NETBERTH_VERBOSE.
 * \param json_out     Receives an array of what netberth_endpoint_get() shows, [] where there is
 *                     none: free it with netberth_string_free().
 * \param err          Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found` for the network; `invalid` for two filters at once.
 */
int netberth_endpoint_list(netberth *nb,
                           const char *network,
                           const char *filter_json,
                           uint32_t flags,
                           char **json_out,
                           netberth_error **err);

/**
 * Deletes an endpoint and releases its addresses and ports.
 *
 * \param nb        A handle.
 * \param network   The network's id, name, or the first four or more digits of its id.
 * \param endpoint  The endpoint's, likewise.
 * \param flags     0, or NETBERTH_FORCE to detach first what is joined.
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `in_use` while a container is joined.
 */
int netberth_endpoint_delete(netberth *nb,
                             const char *network,
                             const char *endpoint,
                             uint32_t flags,
                             netberth_error **err);

/**
 * Joins a container to an endpoint: in a namespace that netberth makes, or in the one that the
 * request names. Nothing is left of a join that fails. The calling thread stays where it is.
 *
 * \param nb            A handle.
 * \param network       The network's id, name, or the first four or more digits of its id.
 * \param endpoint      The endpoint's, likewise.
 * \param request_json  {"container_id","netns","pid","host_name",...}: the document of
 *                      POST /networks/NETWORK/endpoints/ENDPOINT/containers.
 * \param key_out       Receives the sandbox key, the path of the container's namespace: free it
 *                      with netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid`, also if the endpoint is joined already or the
 *         container is in another namespace than asked; `not_found`; `exists` for an interface
 *         name that is taken; `exhausted` when the bridge is full; `kernel` for what the kernel
 *         refuses.
 */
int netberth_join(netberth *nb,
                  const char *network,
                  const char *endpoint,
                  const char *request_json,
                  char **key_out,
                  netberth_error **err);

/**
 * Detaches a container from an endpoint, which keeps its addresses. The container's sandbox stays,
 * so that it can be joined again, until netberth_sandbox_delete(). If the kernel refuses a part,
 * the rest is gone all the same, and the call can be repeated.
 *
 * \param nb         A handle.
 * \param network    The network's id, name, or the first four or more digits of its id.
 * \param endpoint   The endpoint's, likewise.
 * \param container  The container's id, as it was joined.
 * \param flags      0.
 * \param err        Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `invalid` if that container is not joined.
 */
int netberth_detach(netberth *nb,
                    const char *network,
                    const char *endpoint,
                    const char *container,
                    uint32_t flags,
                    netberth_error **err);

/**
 * Creates endpoints and joins a container to each, as netberth_endpoint_create() and netberth_join()
 * do one by one: here under one lock, with one batch of rules and one write of the records.
 *
 * \param nb            A handle.
 * \param request_json  [{"network","endpoint":{...},"container":{...}}]: the documents of those two
 *                      functions; a network that is not named is `bridge`. At most 1 MiB.
 * \param flags         0, or NETBERTH_ATOMIC: all are done or none. Without it those that can be done
 *                      are, whatever becomes of the others.
 * \param json_out      Receives an array in the order of the requests of {"endpoint","key"}, the id
 *                      and the path of the namespace, or {"error":{...}}, as netberth_error_json()
 *                      says it: free it with netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, also where some requests were refused; or the negative kind: of the first that was
 *         refused with NETBERTH_ATOMIC; `invalid` for a document that cannot be read.
 */
int netberth_join_many(netberth *nb,
                       const char *request_json,
                       uint32_t flags,
                       char **json_out,
                       netberth_error **err);

/**
 * Shows the sandbox of a container.
 *
 * \param nb         A handle.
 * \param container  The container's id, as it was joined.
 * \param flags      0.
 * \param json_out   Receives {"container_id","key","endpoints","owned","hosts_path",
 *                   "resolv_conf_path"}: free it with netberth_string_free().
 * \param err        Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `invalid` for an id that no container can have.
 */
int netberth_sandbox_get(netberth *nb,
                         const char *container,
                         uint32_t flags,
                         char **json_out,
                         netberth_error **err);

/**
 * Lists sandboxes in order of creation.
 *
 * \param nb           A handle.
 * \param filter_json  {} or NULL: no filter is known yet.
 * \param flags        0.
 * \param json_out     Receives an array of what netberth_sandbox_get() shows, [] where there is
 *                     none: free it with netberth_string_free().
 * \param err          Receives the error on failure; may be NULL.
 * \return 0, or the negative kind.
 */
int netberth_sandbox_list(netberth *nb,
                          const char *filter_json,
                          uint32_t flags,
                          char **json_out,
                          netberth_error **err);

/**
 * Detaches everything from a container, forgets it, and destroys its namespace if netberth made
 * it. If the kernel refuses a part, the rest is gone all the same, and the call can be repeated.
 *
 * \param nb         A handle.
 * \param container  The container's id, as it was joined.
 * \param flags      0.
 * \param err        Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`.
 */
int netberth_sandbox_delete(netberth *nb,
                            const char *container,
                            uint32_t flags,
                            netberth_error **err);

/**
 * Publishes a service on a network.
 *
 * \param nb            A handle.
 * \param request_json  {"name","network_name","exposed_ports","port_mapping","balance",...}: the
 *                      document of POST /services. Without network_name it is the network
 *                      `bridge`.
 * \param id_out        Receives the id, 64 hexadecimal digits: free it with
 *                      netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, or the negative kind, as netberth_endpoint_create().
 */
int netberth_service_publish(netberth *nb,
                             const char *request_json,
                             char **id_out,
                             netberth_error **err);

/**
 * Shows a service.
 *
 * \param nb        A handle.
 * \param service   Its id, its name, or the first four or more digits of its id.
 * \param flags     0 or NETBERTH_VERBOSE.
 * \param json_out  Receives {"name","id","network"}, and with NETBERTH_VERBOSE
 *                  "virtual_addresses", "balance", "backends" and more: free it with
 *                  netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `invalid` for a name that is used on several
 *         networks, and for digits that several ids begin with.
 */
int netberth_service_get(netberth *nb,
                         const char *service,
                         uint32_t flags,
                         char **json_out,
                         netberth_error **err);

/**
 * Lists every endpoint of every network, which is what a service is in the API of 2015, in order
 * of creation.
 *
 * \param nb           A handle.
 * \param filter_json  {"name"} for an exact name, {"partial_id"} for the beginning of an id, or
 *                     {"network"} for the name of a network; NULL stands for {}, which is all.
 * \param flags        0 or NETBERTH_VERBOSE.
 * \param json_out     Receives an array of what netberth_service_get() shows, [] where there is
 *                     none: free it with netberth_string_free().
 * \param err          Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `invalid` for two filters at once.
 */
int netberth_service_list(netberth *nb,
                          const char *filter_json,
                          uint32_t flags,
                          char **json_out,
                          netberth_error **err);

/**
 * Deletes a service and releases its addresses and ports.
 *
 * \param nb       A handle.
 * \param service  Its id, its name, or the first four or more digits of its id.
 * \param flags    0, or NETBERTH_FORCE to detach its back ends first.
 * \param err      Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `in_use` while back ends are attached.
 */
int netberth_service_unpublish(netberth *nb,
                               const char *service,
                               uint32_t flags,
                               netberth_error **err);

/**
 * Attaches a container to a service, as one more of its back ends.
 *
 * \param nb            A handle.
 * \param service       The service's id, name, or the first four or more digits of its id.
 * \param request_json  As for netberth_join().
 * \param key_out       Receives the sandbox key, the path of the container's namespace: free it
 *                      with netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, or the negative kind, as netberth_join(); `invalid` if the container is attached
 *         already.
 */
int netberth_service_attach(netberth *nb,
                            const char *service,
                            const char *request_json,
                            char **key_out,
                            netberth_error **err);

/**
 * Lists the containers attached to a service, in order of attaching.
 *
 * \param nb        A handle.
 * \param service   The service's id, name, or the first four or more digits of its id.
 * \param flags     0 or NETBERTH_VERBOSE.
 * \param json_out  Receives an array of {"id"}, and with NETBERTH_VERBOSE "addresses", "mac" and
 *                  "state" too, [] where there is none: free it with netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind, as netberth_service_get().
 */
int netberth_service_backends(netberth *nb,
                              const char *service,
                              uint32_t flags,
                              char **json_out,
                              netberth_error **err);

/**
 * Detaches a container from a service. Its connections by way of the service end; with NETBERTH_DRAIN
 * they go on and it only gets no new ones: it stays a back end, `draining`, until it is detached
 * without the flag, attached again, or its sandbox is deleted.
 *
 * \param nb         A handle.
 * \param service    The service's id, name, or the first four or more digits of its id.
 * \param container  The container's id, as it was attached.
 * \param flags      0, or NETBERTH_DRAIN.
 * \param err        Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: `not_found`; `invalid` if that container is not attached.
 */
int netberth_service_detach(netberth *nb,
                            const char *service,
                            const char *container,
                            uint32_t flags,
                            netberth_error **err);

/**
 * Rehearses verbs that change something: tells what they would do to the host, and does nothing.
 *
 * \param nb            A handle.
 * \param request_json  {"verb","network","endpoint","service","container","force","drain","atomic",
 *                      "request"}:
 *                      `verb` is the function's name without netberth_, the others are what that
 *                      function would be given, `request` being its document; for example
 *                      {"verb":"join","network":"web","endpoint":"e1","request":
 *                      {"container_id":"c1"}}. An array of these is rehearsed in order, each verb
 *                      seeing what those before it would have made.
 * \param plan_out      Receives {"plan":["ip link add ...",...]}, the lines that an operator
 *                      would type: free it with netberth_string_free().
 * \param err           Receives the error on failure; may be NULL.
 * \return 0, or the negative kind, as the verb itself. What only the kernel can know, such as a
 *         device that is refused, is not found out.
 */
int netberth_plan(netberth *nb, const char *request_json, char **plan_out, netberth_error **err);

/**
 * Compares what was made with what the host has, and says what of the host keeps networks from
 * working: rules of other programs, settings. Changes nothing.
 *
 * \param nb        A handle.
 * \param flags     0.
 * \param json_out  Receives {"differences":[{"owner":{"kind","id","name"},"object","expected",
 *                  "found"}]}, the array being empty where all is as it should be: free it with
 *                  netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind, whether or not there are differences: `busy` if another
 *         process holds the state directory for too long.
 */
int netberth_verify(netberth *nb, uint32_t flags, char **json_out, netberth_error **err);

/**
 * Sets right what netberth_verify() tells of, as far as it is netberth's: what is right is not
 * touched. A difference that cannot be set right does not keep others from it.
 *
 * \param nb        A handle.
 * \param flags     0.
 * \param json_out  Receives {"repaired":[difference...],"differences":[difference...]}, what is no
 *                  more and what is left, each as netberth_verify() tells it; one that was tried in
 *                  vain has an "error" besides: free it with netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind, whether or not differences are left: `busy` if another process
 *         holds the state directory for too long.
 */
int netberth_repair(netberth *nb, uint32_t flags, char **json_out, netberth_error **err);

/**
 * Removes what nobody needs any more: sandboxes whose namespace is gone, links on netberth's own
 * bridges and files in its own directories that no record has.
 *
 * \param nb        A handle.
 * \param flags     0.
 * \param json_out  Receives {"collected":[{"kind":"sandbox","id","why"},{"kind":"link","name",
 *                  "why"},{"kind":"file","name","why"}]}, the array being empty where there was
 *                  nothing: free it with netberth_string_free().
 * \param err       Receives the error on failure; may be NULL.
 * \return 0, or the negative kind: the first error. What was collected before it stays collected.
 */
int netberth_gc(netberth *nb, uint32_t flags, char **json_out, netberth_error **err);

/**
 * The kind of failure: one of NETBERTH_KIND_..., the number that the function returned.
 *
 * \param err  An error, or NULL.
 * \return     A negative number; 0 if `err` is NULL. It cannot fail.
 */
int netberth_error_code(const netberth_error *err);

/**
 * The operating system's error number, such as ENOSPC, if the failure came from there.
 *
 * \param err  An error, or NULL.
 * \return     A positive number; 0 if there is none or `err` is NULL. It cannot fail.
 */
int netberth_error_errno(const netberth_error *err);

/**
 * The failure in words, for people: what was being done, what was found, what to do about it.
 * One line, without a line end; if undoing failed too, one more line for each such failure.
 *
 * \param err  An error, or NULL.
 * \return     UTF-8 text that lives as long as `err`: do not free it. "" if `err` is NULL. It
 *             cannot fail.
 */
const char *netberth_error_message(const netberth_error *err);

/**
 * The failure as the JSON document {"message","kind","errno","doing","cleanup"}; members that do
 * not apply are left out. `kind` is a word such as "not_found"; `doing` is what was being done,
 * outermost first; `cleanup` is what went wrong while undoing.
 *
 * \param err  An error, or NULL.
 * \return     UTF-8 text that lives as long as `err`: do not free it. "{}" if `err` is NULL. It
 *             cannot fail.
 */
const char *netberth_error_json(const netberth_error *err);

/**
 * Frees an error, and with it its message and its JSON.
 *
 * \param err  An error, or NULL.
 */
void netberth_error_free(netberth_error *err);

/**
 * Frees a text that netberth put into a `char **` output.
 *
 * \param text  Such a text, or NULL.
 */
void netberth_string_free(char *text);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NETBERTH_H */
