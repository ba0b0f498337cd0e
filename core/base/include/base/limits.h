/* Every ceiling of the core in one place, each with its reason. Sizes are bytes unless the name
 * says otherwise. */
#ifndef CD_LIMITS_H
#define CD_LIMITS_H

/* One frame between our processes; a selective isolation with 1,024 exclusions is 150 KB. */
#define CD_FRAME_PAYLOAD_MAX (1024u * 1024u)
#define CD_LINK_QUEUE_MAX (8u * 1024u * 1024u) /* bytes waiting for a peer that does not read */
#define CD_JSON_DEPTH_MAX 32u                  /* nesting; our own documents need 6 */
#define CD_JSON_NODES_MAX 100000u /* values in one document; bounds the memory of a 1 MiB frame */
#define CD_JSON_KEYS_MAX 64u      /* keys of an object that is read by name */
#define CD_CONFIG_MAX (256u * 1024u)         /* a configuration file */
#define CD_MANIFEST_MAX (64u * 1024u)        /* a plugin manifest */
#define CD_LIBRARY_MAX (64u * 1024u * 1024u) /* a plugin library; ours are under 200 KB */
#define CD_PLUGINS_MAX 64u                   /* manifests in the plugin folder */
#define CD_LOG_LINE_MAX 2048u /* one log line, escaped; longer ones are cut and marked */
/* The result document of one operation, as the journal keeps it. */
#define CD_RESULT_MAX (256u * 1024u)
#define CD_COMMENT_MAX 1024u             /* the comment on an action, characters as bytes */
#define CD_EXCLUSIONS_MAX 1024u          /* exclusions of one selective isolation */
#define CD_UNDO_RECORD_MAX (64u * 1024u) /* one undo record */
#define CD_UNDO_RECORDS_MAX 1024u        /* undo records of one plugin for one state */
/* All undo records of a plugin for a state: they go to release in one frame. */
#define CD_UNDO_BYTES_MAX (160u * 1024u)
#define CD_RECORDS_WINDOW 64u /* records a plugin may send before the agent grants more */
/* PATH_MAX on Linux and macOS; Windows long paths are longer but ours are not. */
#define CD_PATH_MAX 4096u

#endif
