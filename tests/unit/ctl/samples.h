/* Answers as the agent gives them (docs/ipc.md), for several tests. */
#ifndef SAMPLES_H
#define SAMPLES_H

#define SAMPLE_ID "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e"

#define SAMPLE_OK(result) "{\"ok\":true,\"result\":" result "}"
#define SAMPLE_ERROR(status, sentence)                                                             \
  "{\"ok\":false,\"error\":{\"status\":\"" status "\",\"sentence\":\"" sentence "\"}}"

#define SAMPLE_STATE                                                                               \
  "{\"state\":\"isolate\",\"wanted\":{\"value\":\"isolated\",\"type\":\"full\",\"generation\":3,"  \
  "\"action\":\"" SAMPLE_ID "\",\"since\":\"2026-11-24T04:08:16.123Z\"},"                          \
  "\"enforced\":{\"value\":\"isolated\",\"at\":\"2026-11-24T04:08:16.500Z\",\"digest\":\"sha256:"  \
  "ab\",\"note\":null},"                                                                           \
  "\"proven\":{\"value\":\"holds\",\"at\":\"2026-11-24T04:08:17.000Z\",\"note\":null},"            \
  "\"drift\":{\"count\":2,\"last\":\"2026-11-24T04:04:20.000Z\",\"note\":\"the table was gone, "   \
  "nft did it\"},"                                                                                 \
  "\"provider\":\"org.cordon.nftables\"}"

#define SAMPLE_STATUS                                                                              \
  SAMPLE_OK(                                                                                       \
      "{\"agent\":{\"version\":\"0.1.0\",\"pid\":812,\"started\":\"2026-11-24T01:08:20.000Z\","    \
      "\"boot_id\":\"b\"},"                                                                        \
      "\"console\":{\"enrolled\":true,\"device\":\"d1\",\"root\":\"00\",\"connection\":"           \
      "\"connected\",\"address\":\"console.example port 8443\",\"since\":null,"                    \
      "\"sentence\":null,\"certificate_expires\":null,\"results_waiting\":1},"                     \
      "\"device\":{\"host_name\":\"desk-1\",\"os\":{\"system\":\"linux\",\"name\":\"Debian "       \
      "GNU/Linux\","                                                                               \
      "\"version\":\"12\"},\"kernel\":\"6.1.0\",\"architecture\":\"x86_64\",\"boot_id\":\"b\","    \
      "\"interfaces\":[]},"                                                                        \
      "\"states\":[" SAMPLE_STATE "],"                                                             \
      "\"capabilities\":[{\"capability\":\"isolate\",\"provider\":\"org.cordon.nftables\","        \
      "\"reason\":null},"                                                                          \
      "{\"capability\":\"scan\",\"provider\":null,\"reason\":\"no provider is configured\"}]}")

#define SAMPLE_PLUGINS                                                                             \
  SAMPLE_OK(                                                                                       \
      "{\"plugins\":[{\"id\":\"org.cordon.nftables\",\"version\":\"0.1.0\",\"provides\":["         \
      "\"isolate\"],"                                                                              \
      "\"library\":\"/usr/lib/"                                                                    \
      "n.so\",\"digest\":\"sha256:cd\",\"trusted\":true,\"reason\":null,\"strikes\":0,"            \
      "\"quarantined\":[],\"hosts\":[{\"capability\":\"isolate\",\"pid\":901,\"running\":1,"       \
      "\"resident\":true}]},"                                                                      \
      "{\"id\":\"com.example.bad\",\"version\":\"2\",\"provides\":[\"facts\",\"scan\"],"           \
      "\"library\":null,"                                                                          \
      "\"digest\":null,\"trusted\":false,\"reason\":\"its digest is not in the trust "             \
      "file\",\"strikes\":3,"                                                                      \
      "\"quarantined\":[],\"hosts\":[]},"                                                          \
      "{\"id\":\"com.example.crash\",\"version\":\"1\",\"provides\":[\"scan\"],\"trusted\":true,"  \
      "\"reason\":null,\"strikes\":5,\"quarantined\":[\"scan\"],\"hosts\":[]}]}")

#define SAMPLE_POLICY                                                                              \
  SAMPLE_OK(                                                                                       \
      "{\"version\":7,\"name\":\"servers\",\"taken\":\"2026-11-24T04:08:16.123Z\",\"trial\":true," \
      "\"previous\":5,\"highest\":7,\"refused\":{\"version\":6,\"sentence\":\"with it the "        \
      "console "                                                                                   \
      "was not reached within 120 s\"},\"values\":["                                               \
      "{\"name\":\"providers.isolate\",\"value\":[\"org.cordon.nftables\"],\"source\":\"file\"},"  \
      "{\"name\":\"console.resolvers\",\"value\":[\"192.0.2.53\"],\"source\":\"policy\"},"         \
      "{\"name\":\"local.release\",\"value\":\"group\",\"source\":\"default\"}]}")

#define SAMPLE_PROBES                                                                              \
  "[{\"name\":\"tcp4\",\"target\":\"192.0.2.1:443\",\"outcome\":\"blocked\",\"counter_before\":0," \
  "\"counter_after\":3},"                                                                          \
  "{\"name\":\"icmp6\",\"target\":\"2001:db8::1\",\"outcome\":\"inconclusive\",\"counter_"         \
  "before\":7,"                                                                                    \
  "\"counter_after\":7,\"note\":\"no route\"}]"

/* An action of this kind with this status, outcome, sentence and result, all as JSON. */
#define SAMPLE_ACTION_OF(kind, status, outcome, sentence, result)                                  \
  "{\"id\":\"" SAMPLE_ID "\",\"kind\":\"" kind "\",\"status\":\"" status "\",\"comment\":\"a "     \
  "drill\",\"requestor\":{\"source\":\"local\",\"user\":\"root\",\"user_id\":0,\"pid\":77},"       \
  "\"created\":\"2026-11-24T04:08:16.000Z\",\"started\":\"2026-11-24T04:08:16.100Z\","             \
  "\"ended\":\"2026-11-24T04:08:16.512Z\",\"params\":{\"type\":\"full\",\"exclusions\":[]},"       \
  "\"generation\":3,"                                                                              \
  "\"outcome\":" outcome ",\"sentence\":" sentence                                                 \
  ",\"provider\":\"org.cordon.nftables\",\"result\":" result "}"
#define SAMPLE_ACTION(kind, status, outcome, sentence, result)                                     \
  SAMPLE_OK("{\"action\":" SAMPLE_ACTION_OF(kind, status, outcome, sentence, result) "}")

#define SAMPLE_RESULT_ISOLATED                                                                     \
  "{\"enforced\":{\"value\":\"isolated\"},\"proven\":{\"value\":\"holds\"},\"attempts\":1,"        \
  "\"previous\":\"released\","                                                                     \
  "\"apply\":{\"state\":\"isolated\",\"digest\":\"sha256:ab\",\"sockets_ended\":4},"               \
  "\"query\":{\"state\":\"isolated\",\"digest\":\"sha256:ab\"},"                                   \
  "\"verify\":{\"holds\":true,\"digest\":\"sha256:ab\",\"probes\":" SAMPLE_PROBES                  \
  ",\"counters\":{\"out\":3},"                                                                     \
  "\"not_probed\":[\"connections from outside\",\"IPv6 without a route\"]}}"
#define SAMPLE_RESULT_RELEASED                                                                     \
  "{\"enforced\":{\"value\":\"released\"},\"proven\":{\"value\":\"released\"},\"attempts\":1,"     \
  "\"release\":{\"state\":\"released\"},\"query\":{\"state\":\"released\",\"digest\":null}}"

#define SAMPLE_ISOLATED                                                                            \
  SAMPLE_ACTION("isolate", "Succeeded", "\"ok\"", "null", SAMPLE_RESULT_ISOLATED)
#define SAMPLE_RELEASED                                                                            \
  SAMPLE_ACTION("release", "Succeeded", "\"ok\"", "null", SAMPLE_RESULT_RELEASED)
#define SAMPLE_ACCEPTED(kind) SAMPLE_ACTION(kind, "Pending", "null", "null", "null")

#define SAMPLE_EVENT_ACTION                                                                        \
  "{\"event\":\"action\",\"id\":\"" SAMPLE_ID "\",\"status\":\"InProgress\"}"
#define SAMPLE_EVENT_STEP(step, done, total, what)                                                 \
  "{\"event\":\"step\",\"step\":\"" step "\",\"done\":" #done ",\"total\":" #total                 \
  ",\"what\":" what "}"

#endif
