/*
 * The limit: an attach and a detach with the messages that cannot be left out, and nothing else. No
 * library, no records, no checks, no names; one table `ip least` with a map `pub`, one bridge `lim0`.
 *
 *   limit serve               one line of words apart by tabs each, answered with its time
 *   limit once ACTION ...     the same in a process of its own
 *
 *   make PATH                              a new namespace, mounted on a file
 *   attach PATH LINK ADDRESS PORT [NEW]    a veth pair on the bridge, up, address, default route, port
 *   unplug PATH LINK ADDRESS PORT          the port and the link
 *   drop PATH LINK ADDRESS PORT            the port and the namespace: the kernel reaps the link
 *   bridge LINK ADDRESS, unbridge LINK     a network
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

enum { IN_CONTAINER = 2, LOOPBACK = 1 };

static char out[4096];
static size_t end;
static unsigned sequence = 1;
static int host = -1, firewall = -1, home = -1;

/* --- messages ------------------------------------------------------------------------------- */

static void *append(size_t length)
{
	void *at = out + end;
	memset(at, 0, NLMSG_ALIGN(length));
	end += NLMSG_ALIGN(length);
	return at;
}

static size_t message(int kind, int flags, const void *header, size_t length)
{
	size_t start = end;
	struct nlmsghdr *head = append(sizeof *head);
	head->nlmsg_type = kind;
	head->nlmsg_flags = NLM_F_REQUEST | flags;
	head->nlmsg_seq = sequence++;
	memcpy(append(length), header, length);
	return start;
}

static void finish(size_t start)
{
	((struct nlmsghdr *)(out + start))->nlmsg_len = end - start;
}

static void put(int kind, const void *value, size_t length)
{
	struct nlattr *attribute = append(NLA_HDRLEN + length);
	attribute->nla_type = kind;
	attribute->nla_len = NLA_HDRLEN + length;
	memcpy((char *)attribute + NLA_HDRLEN, value, length);
}

static void put32(int kind, unsigned value)
{
	put(kind, &value, sizeof value);
}

static void text(int kind, const char *value)
{
	put(kind, value, strlen(value) + 1);
}

static size_t nest(int kind)
{
	size_t start = end;
	struct nlattr *attribute = append(NLA_HDRLEN);
	attribute->nla_type = kind | NLA_F_NESTED;
	return start;
}

static void close_nest(size_t start)
{
	((struct nlattr *)(out + start))->nla_len = end - start;
}

/* --- sockets -------------------------------------------------------------------------------- */

static int netlink(int protocol)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own))
		fail("netlink");
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
	return fd;
}

/* Sends what was appended and waits for so many answers. */
static void send_all(int fd, int answers)
{
	char in[8192];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (sendto(fd, out, end, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		fail("send");
	end = 0;
	while (answers > 0) {
		ssize_t got = recv(fd, in, sizeof in, 0);
		if (got < 0)
			fail("receive");
		for (struct nlmsghdr *one = (void *)in; NLMSG_OK(one, got); one = NLMSG_NEXT(one, got)) {
			struct nlmsgerr *error = NLMSG_DATA(one);
			if (one->nlmsg_type != NLMSG_ERROR)
				continue;
			answers--;
			if (error->error) {
				fprintf(stderr, "the kernel refuses: %s\n", strerror(-error->error));
				exit(1);
			}
		}
	}
}

/* --- requests ------------------------------------------------------------------------------- */

static void plug(int netns, const char *link)
{
	struct ifinfomsg up = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct ifinfomsg inside = { .ifi_index = IN_CONTAINER };
	size_t start = message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &up, sizeof up);
	text(IFLA_IFNAME, link);
	put32(IFLA_MASTER, if_nametoindex("lim0"));
	put32(IFLA_NUM_TX_QUEUES, 1);
	put32(IFLA_NUM_RX_QUEUES, 1);
	size_t info = nest(IFLA_LINKINFO);
	put(IFLA_INFO_KIND, "veth", 4);
	size_t data = nest(IFLA_INFO_DATA), peer = nest(VETH_INFO_PEER);
	memcpy(append(sizeof inside), &inside, sizeof inside);
	text(IFLA_IFNAME, "eth0");
	put32(IFLA_NET_NS_FD, netns);
	put32(IFLA_NUM_TX_QUEUES, 1);
	put32(IFLA_NUM_RX_QUEUES, 1);
	close_nest(peer);
	close_nest(data);
	close_nest(info);
	finish(start);
	send_all(host, 1);
}

static void up(int index)
{
	struct ifinfomsg header = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	finish(message(RTM_NEWLINK, NLM_F_ACK, &header, sizeof header));
}

static void address(int index, struct in_addr of, int length)
{
	struct ifaddrmsg header = { .ifa_family = AF_INET, .ifa_prefixlen = length, .ifa_index = index };
	size_t start = message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof header);
	put(IFA_LOCAL, &of, sizeof of);
	put(IFA_ADDRESS, &of, sizeof of);
	finish(start);
}

/* Addresses, of which the first is the gateway's, are in 10.77.0.0/16. */
static void configure(struct in_addr of)
{
	struct rtmsg header = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST };
	struct in_addr gateway = { .s_addr = htonl((ntohl(of.s_addr) & 0xffff0000) | 1) };
	up(LOOPBACK);
	up(IN_CONTAINER);
	address(IN_CONTAINER, of, 16);
	size_t start = message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof header);
	put(RTA_GATEWAY, &gateway, sizeof gateway);
	put32(RTA_OIF, IN_CONTAINER);
	finish(start);
}

static size_t table_message(int kind, int flags, int subsystem)
{
	struct nfgenmsg header = { .nfgen_family = subsystem ? AF_UNSPEC : NFPROTO_IPV4,
		.res_id = htons(subsystem) };
	return message(kind, flags, &header, sizeof header);
}

/* One element of the map: the host's port to address and port. */
static void element(int kind, struct in_addr of, unsigned short port)
{
	struct { struct in_addr address; unsigned short port, none; } to = { of, htons(80), 0 };
	unsigned short from = htons(port);
	finish(table_message(NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES));
	size_t start = table_message(NFNL_SUBSYS_NFTABLES << 8 | kind,
		NLM_F_ACK | (kind == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0), 0);
	text(NFTA_SET_ELEM_LIST_TABLE, "least");
	text(NFTA_SET_ELEM_LIST_SET, "pub");
	size_t list = nest(NFTA_SET_ELEM_LIST_ELEMENTS), one = nest(NFTA_LIST_ELEM);
	size_t key = nest(NFTA_SET_ELEM_KEY);
	put(NFTA_DATA_VALUE, &from, sizeof from);
	close_nest(key);
	if (kind == NFT_MSG_NEWSETELEM) {
		size_t data = nest(NFTA_SET_ELEM_DATA);
		put(NFTA_DATA_VALUE, &to, sizeof to);
		close_nest(data);
	}
	close_nest(one);
	close_nest(list);
	finish(start);
	finish(table_message(NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES));
	send_all(firewall, 1);
}

/* --- actions -------------------------------------------------------------------------------- */

static void enter(int netns)
{
	if (setns(netns, CLONE_NEWNET))
		fail("setns");
}

static void make(const char *path)
{
	int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
	if (file < 0 || close(file) || unshare(CLONE_NEWNET))
		fail(path);
	if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL))
		fail("mount");
	enter(home);
}

static void attach(const char *path, const char *link, const char *ip, int port)
{
	struct in_addr of;
	int netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0 || inet_pton(AF_INET, ip, &of) != 1)
		fail(path);
	plug(netns, link);
	enter(netns);
	int inside = netlink(NETLINK_ROUTE);
	enter(home);
	configure(of);
	send_all(inside, 4);
	close(inside);
	close(netns);
	if (port)
		element(NFT_MSG_NEWSETELEM, of, port);
}

static void delete_link(const char *link)
{
	struct ifinfomsg none = { 0 };
	size_t start = message(RTM_DELLINK, NLM_F_ACK, &none, sizeof none);
	text(IFLA_IFNAME, link);
	finish(start);
	send_all(host, 1);
}

static void bridge(const char *link, const char *ip)
{
	struct ifinfomsg header = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct in_addr of;
	inet_pton(AF_INET, ip, &of);
	size_t start = message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof header);
	text(IFLA_IFNAME, link);
	size_t info = nest(IFLA_LINKINFO);
	put(IFLA_INFO_KIND, "bridge", 6);
	close_nest(info);
	finish(start);
	send_all(host, 1);
	address(if_nametoindex(link), of, 24);
	send_all(host, 1);
}

static void act(int count, char **word)
{
	struct in_addr of;
	if (!strcmp(word[0], "make") && count == 2) {
		make(word[1]);
	} else if (!strcmp(word[0], "attach") && count >= 5) {
		if (count == 6)
			make(word[1]);
		attach(word[1], word[2], word[3], atoi(word[4]));
	} else if (!strcmp(word[0], "bridge") && count == 3) {
		bridge(word[1], word[2]);
	} else if (!strcmp(word[0], "unbridge") && count == 2) {
		delete_link(word[1]);
	} else if (count == 5 && inet_pton(AF_INET, word[3], &of) == 1) {
		if (atoi(word[4]))
			element(NFT_MSG_DELSETELEM, of, atoi(word[4]));
		if (!strcmp(word[0], "unplug"))
			delete_link(word[2]);
		else if (umount2(word[1], MNT_DETACH) || unlink(word[1]))
			fail(word[1]);
	} else {
		fprintf(stderr, "what is %s?\n", word[0]);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	host = netlink(NETLINK_ROUTE);
	firewall = netlink(NETLINK_NETFILTER);
	if (argc == 2 && !strcmp(argv[1], "serve"))
		serve(act);
	else if (argc > 2 && !strcmp(argv[1], "once"))
		act(argc - 2, argv + 2);
	else
		return 2;
	return 0;
}
