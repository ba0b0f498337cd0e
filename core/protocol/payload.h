/* Private to core/protocol: the payloads of signed documents, read without their signatures.
 * Verifying calls these when the signature is good, signing before it signs, and the fuzz targets
 * at will. */
#ifndef CD_PAYLOAD_H
#define CD_PAYLOAD_H

#include "protocol/enroll.h"
#include "protocol/mark.h"
#include "protocol/order.h"
#include "protocol/policy.h"
#include "protocol/result.h"
#include "protocol/statement.h"

/* On success the caller releases what can be released. */
CD_MUST_USE cd_code cd_order_read(cd_str payload, cd_order *ret_order, cd_refusal *ret_refusal,
                                  cd_err *err);
CD_MUST_USE cd_code cd_statement_read(cd_str payload, cd_statement *ret_statement, cd_err *err);
CD_MUST_USE cd_code cd_result_read(cd_str payload, cd_result *ret_result, cd_err *err);
CD_MUST_USE cd_code cd_report_read(cd_str payload, cd_report *ret_report, cd_err *err);
CD_MUST_USE cd_code cd_mark_read(cd_str payload, cd_mark *ret_mark, cd_err *err);
CD_MUST_USE cd_code cd_policy_read(cd_str payload, cd_policy *ret_policy, cd_refusal *ret_refusal,
                                   cd_err *err);
CD_MUST_USE cd_code cd_enroll_proof_read(cd_str payload, cd_enroll_proof *ret_proof, cd_err *err);

#endif
