/* Every ceiling of what agent and console say to each other, each with its reason. Sizes are bytes
 * unless the name says otherwise. */
#ifndef CD_PROTOCOL_LIMITS_H
#define CD_PROTOCOL_LIMITS_H

#include <stdint.h>

#define CD_DEVICE_ID_MAX 64u /* characters of a device id; the public API's are 40 */
#define CD_PROVIDER_ID_MAX 100u
#define CD_REQUESTOR_MAX 256u       /* who asked: a user's or an application's name */
#define CD_SENTENCE_MAX 511u        /* what cd_err holds */
#define CD_NOTE_MAX 255u            /* a note beside a measured value */
#define CD_WORD_MAX 40u             /* a name of ours, a version, a step */
#define CD_EVIDENCE_DIGEST_MAX 127u /* of what a provider put in force: its own text form */
#define CD_CAPABILITIES_MAX 32u     /* capabilities that one device reports */
#define CD_NONCE_SIZE 16u           /* 128 random bits are never met twice */

/* Generations stay exact in every JSON reader. At one a millisecond they last 285,000 years. */
#define CD_GENERATION_MAX (UINT64_C(1) << 53)
/* The last millisecond of the year 9999, the last that RFC 3339 can show. */
#define CD_WALL_MS_MAX INT64_C(253402300799999)
/* How far the clocks of a console and a device that both count as right may lie apart. */
#define CD_CLOCK_SKEW_MS INT64_C(300000)

/* The parameters of an order: a selective isolation with 1,024 exclusions is 150 KB. */
#define CD_PARAMETERS_MAX (256u * 1024u)
#define CD_ORDER_PAYLOAD_MAX (CD_PARAMETERS_MAX + 8u * 1024u)
/* A result carries the result document of one operation (CD_RESULT_MAX). */
#define CD_RESULT_PAYLOAD_MAX (256u * 1024u + 16u * 1024u)
#define CD_FACTS_MAX (64u * 1024u) /* a server with 100 interfaces has 20 KB of facts */
#define CD_REPORT_PAYLOAD_MAX (CD_FACTS_MAX + 16u * 1024u)
#define CD_STATEMENT_PAYLOAD_MAX 1024u /* a key and when it is valid */
#define CD_MARK_PAYLOAD_MAX 1024u
/* What a policy says: 64 digests, 16 consoles and a provider order have 9 KB. */
#define CD_POLICY_BODY_MAX (16u * 1024u)
#define CD_POLICY_PAYLOAD_MAX (CD_POLICY_BODY_MAX + 1024u)
#define CD_POLICY_NAME_MAX 64u

/* One JSON-RPC message: the largest result in base64url (363 KB) and what is around it. */
#define CD_MESSAGE_MAX (512u * 1024u)
/* One chunk's data: control messages wait for it on the same connection, 5 ms at 100 Mbit/s. */
#define CD_CHUNK_DATA_MAX (64u * 1024u)

/* Enrolment: a token's secret; a request and a chain of certificates on P-256 have 500 bytes and
 * 700 each, and ten times that leaves room for names. */
#define CD_TOKEN_SIZE 32u
#define CD_CSR_MAX 4096u
#define CD_CERTIFICATE_MAX (16u * 1024u)
#define CD_ENROLL_PROOF_PAYLOAD_MAX 512u
#define CD_ENROLL_REQUEST_MAX (16u * 1024u)
#define CD_ENROLL_ANSWER_MAX (32u * 1024u)
#define CD_CONSOLES_MAX 16u /* addresses of agents' listeners; each is tried in turn */
#define CD_ENDPOINT_MAX (CD_HTTP_HOST_MAX + 8u) /* "[...]:65535" */

/* The head of an HTTP answer: what servers and proxies commonly allow. */
#define CD_HTTP_HEAD_MAX (16u * 1024u)
#define CD_HTTP_FIELDS_MAX 64u
#define CD_HTTP_HOST_MAX 253u /* a DNS name */
#define CD_HTTP_PATH_MAX 1024u
#define CD_PROXY_SECRET_MAX 256u   /* the user name or the password for a proxy */
#define CD_RETRY_AFTER_MAX_S 3600u /* a server may ask for patience, not for silence */

#endif
