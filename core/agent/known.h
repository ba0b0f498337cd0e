/* What earlier scans of this device have found, for a search of the same file. */
#ifndef AGENT_KNOWN_H
#define AGENT_KNOWN_H

#include "base/json.h"
#include "journal.h"

#define AGENT_KNOWN_MAX 64u       /* paths of one search */
#define AGENT_KNOWN_SCANS_MAX 16u /* scans that are read, the newest first */
#define AGENT_KNOWN_BYTES_MAX                                                                      \
  20480u /* of all paths, as JSON: there is room for so much beside an                             \
            order */

/* Writes `known`, a list of the paths at which scans have found a file with this SHA-1, each once.
 * What cannot be read is left out: the search goes on without it. */
void agent_known_write(agent_journal *j, cd_str sha1, cd_jw *w);

#endif
