//! Numbers of `linux/netfilter/nf_tables.h` and `nfnetlink.h`, under their own names.

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;
pub(super) const NLM_F_DUMP_INTR: u16 = 0x10;
pub(super) const NLM_F_CAPPED: u16 = 0x100;
pub(super) const NLM_F_ACK_TLVS: u16 = 0x200;
pub(super) const NLM_F_EXCL: u16 = 0x200;
pub(super) const NLM_F_DUMP: u16 = 0x300;
pub(super) const NLM_F_CREATE: u16 = 0x400;
pub(super) const NLM_F_APPEND: u16 = 0x800;

pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;
pub(super) const NLMSGERR_ATTR_MSG: u16 = 1;
pub(super) const NLMSGERR_ATTR_OFFS: u16 = 2;

pub(super) const NLA_F_NESTED: u16 = 0x8000;
/// The type without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
pub(super) const NLA_TYPE_MASK: u16 = 0x3fff;

pub(super) const NFNL_MSG_BATCH_BEGIN: u16 = 0x10;
pub(super) const NFNL_MSG_BATCH_END: u16 = 0x11;
pub(super) const NFPROTO_INET: u8 = 1;
pub(super) const NFPROTO_IPV4: u8 = 2;
pub(super) const NFPROTO_IPV6: u8 = 10;
const NFNL_SUBSYS_NFTABLES: u16 = 10 << 8;

pub(super) const NFT_MSG_NEWTABLE: u16 = NFNL_SUBSYS_NFTABLES;
pub(super) const NFT_MSG_GETTABLE: u16 = NFNL_SUBSYS_NFTABLES + 1;
pub(super) const NFT_MSG_DELTABLE: u16 = NFNL_SUBSYS_NFTABLES + 2;
pub(super) const NFT_MSG_NEWCHAIN: u16 = NFNL_SUBSYS_NFTABLES + 3;
pub(super) const NFT_MSG_GETCHAIN: u16 = NFNL_SUBSYS_NFTABLES + 4;
pub(super) const NFT_MSG_NEWRULE: u16 = NFNL_SUBSYS_NFTABLES + 6;
pub(super) const NFT_MSG_GETRULE: u16 = NFNL_SUBSYS_NFTABLES + 7;
pub(super) const NFT_MSG_NEWSET: u16 = NFNL_SUBSYS_NFTABLES + 9;
pub(super) const NFT_MSG_GETSET: u16 = NFNL_SUBSYS_NFTABLES + 10;
pub(super) const NFT_MSG_NEWSETELEM: u16 = NFNL_SUBSYS_NFTABLES + 12;
pub(super) const NFT_MSG_GETSETELEM: u16 = NFNL_SUBSYS_NFTABLES + 13;
pub(super) const NFT_MSG_DELSETELEM: u16 = NFNL_SUBSYS_NFTABLES + 14;
pub(super) const NFT_MSG_GETGEN: u16 = NFNL_SUBSYS_NFTABLES + 16;
pub(super) const NFT_MSG_NEWOBJ: u16 = NFNL_SUBSYS_NFTABLES + 18;
pub(super) const NFT_MSG_GETOBJ: u16 = NFNL_SUBSYS_NFTABLES + 19;
pub(super) const NFT_MSG_NEWFLOWTABLE: u16 = NFNL_SUBSYS_NFTABLES + 22;
pub(super) const NFT_MSG_GETFLOWTABLE: u16 = NFNL_SUBSYS_NFTABLES + 23;
/// Since Linux 6.3: as `DELSETELEM`, but an element that is not there is no error.
pub(super) const NFT_MSG_DESTROYSETELEM: u16 = NFNL_SUBSYS_NFTABLES + 30;

pub(super) const NFTA_GEN_ID: u16 = 1;

pub(super) const NFTA_LIST_ELEM: u16 = 1;

pub(super) const NFTA_TABLE_NAME: u16 = 1;
pub(super) const NFTA_TABLE_FLAGS: u16 = 2;

pub(super) const NFTA_CHAIN_TABLE: u16 = 1;
pub(super) const NFTA_CHAIN_NAME: u16 = 3;
pub(super) const NFTA_CHAIN_HOOK: u16 = 4;
pub(super) const NFTA_CHAIN_POLICY: u16 = 5;
pub(super) const NFTA_CHAIN_TYPE: u16 = 7;
pub(super) const NFTA_HOOK_HOOKNUM: u16 = 1;
pub(super) const NFTA_HOOK_PRIORITY: u16 = 2;

pub(super) const NFTA_RULE_TABLE: u16 = 1;
pub(super) const NFTA_RULE_CHAIN: u16 = 2;
pub(super) const NFTA_RULE_HANDLE: u16 = 3;
pub(super) const NFTA_RULE_EXPRESSIONS: u16 = 4;

pub(super) const NFTA_SET_TABLE: u16 = 1;
pub(super) const NFTA_SET_NAME: u16 = 2;
pub(super) const NFTA_SET_FLAGS: u16 = 3;
pub(super) const NFTA_SET_KEY_TYPE: u16 = 4;
pub(super) const NFTA_SET_KEY_LEN: u16 = 5;
pub(super) const NFTA_SET_DATA_TYPE: u16 = 6;
pub(super) const NFTA_SET_DATA_LEN: u16 = 7;
pub(super) const NFTA_SET_DESC: u16 = 9;
pub(super) const NFTA_SET_ID: u16 = 10;
pub(super) const NFTA_SET_TIMEOUT: u16 = 11;
pub(super) const NFTA_SET_USERDATA: u16 = 13;
pub(super) const NFTA_SET_DESC_SIZE: u16 = 1;
pub(super) const NFTA_SET_DESC_CONCAT: u16 = 2;
pub(super) const NFTA_SET_FIELD_LEN: u16 = 1;

pub(super) const NFT_SET_ANONYMOUS: u32 = 0x1;
pub(super) const NFT_SET_CONSTANT: u32 = 0x2;
pub(super) const NFT_SET_INTERVAL: u32 = 0x4;
pub(super) const NFT_SET_MAP: u32 = 0x8;
pub(super) const NFT_SET_CONCAT: u32 = 0x80;
/// The data type of a verdict map, in `NFTA_SET_DATA_TYPE`.
pub(super) const NFT_DATA_VERDICT: u32 = 0xffff_ff00;

pub(super) const NFTA_SET_ELEM_LIST_TABLE: u16 = 1;
pub(super) const NFTA_SET_ELEM_LIST_SET: u16 = 2;
pub(super) const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
pub(super) const NFTA_SET_ELEM_LIST_SET_ID: u16 = 4;
pub(super) const NFTA_SET_ELEM_KEY: u16 = 1;
pub(super) const NFTA_SET_ELEM_DATA: u16 = 2;
pub(super) const NFTA_SET_ELEM_FLAGS: u16 = 3;
pub(super) const NFTA_SET_ELEM_KEY_END: u16 = 10;
pub(super) const NFTA_DATA_VALUE: u16 = 1;
pub(super) const NFTA_DATA_VERDICT: u16 = 2;
pub(super) const NFTA_VERDICT_CODE: u16 = 1;
pub(super) const NFTA_VERDICT_CHAIN: u16 = 2;

pub(super) const NFTA_OBJ_TABLE: u16 = 1;
pub(super) const NFTA_OBJ_NAME: u16 = 2;
pub(super) const NFTA_OBJ_TYPE: u16 = 3;
pub(super) const NFTA_FLOWTABLE_NAME: u16 = 2;

pub(super) const NFTA_EXPR_NAME: u16 = 1;
pub(super) const NFTA_EXPR_DATA: u16 = 2;

/// The register that holds the verdict.
pub(super) const NFT_REG_VERDICT: u32 = 0;

pub(super) const NFT_META_IIFNAME: u32 = 6;
pub(super) const NFT_META_OIFNAME: u32 = 7;
pub(super) const NFT_META_NFPROTO: u32 = 15;
pub(super) const NFT_META_L4PROTO: u32 = 16;

pub(super) const NFT_PAYLOAD_NETWORK_HEADER: u32 = 1;
pub(super) const NFT_PAYLOAD_TRANSPORT_HEADER: u32 = 2;

pub(super) const NFT_CT_STATE: u32 = 0;
pub(super) const NFT_CT_STATUS: u32 = 2;
pub(super) const NFT_CT_DST_IP: u32 = 20;
pub(super) const NFT_CT_DST_IP6: u32 = 22;
pub(super) const IP_CT_DIR_ORIGINAL: u8 = 0;
pub(super) const IPS_DST_NAT: u32 = 0x20;

pub(super) const NFT_NG_INCREMENTAL: u32 = 0;
pub(super) const NFT_NG_RANDOM: u32 = 1;
pub(super) const NFT_HASH_JENKINS: u32 = 0;

pub(super) const NFT_CMP_EQ: u32 = 0;
pub(super) const NFT_CMP_NEQ: u32 = 1;

pub(super) const NFTA_FIB_F_SADDR: u32 = 1;
pub(super) const NFTA_FIB_F_DADDR: u32 = 2;
pub(super) const NFTA_FIB_F_IIF: u32 = 8;
pub(super) const NFTA_FIB_F_PRESENT: u32 = 0x20;
pub(super) const NFT_FIB_RESULT_OIF: u32 = 1;
pub(super) const NFT_FIB_RESULT_ADDRTYPE: u32 = 3;
/// `rtnetlink.h`.
pub(super) const RTN_LOCAL: u32 = 2;

pub(super) const NFT_NAT_DNAT: u32 = 1;
pub(super) const NFT_REJECT_TCP_RST: u32 = 1;
pub(super) const NFT_REJECT_ICMPX_UNREACH: u32 = 2;
pub(super) const NFT_REJECT_ICMPX_PORT_UNREACH: u8 = 1;
