# core/protocol: everything of it that reads what came over the network.
foreach(subject base64 chunk collection enroll http jws messages release_code token_file ws)
  cordon_fuzz(fuzz_${subject} SOURCES fuzz_${subject}.c LINK cordon::protocol)
endforeach()
# The payloads of signed documents, past their signatures.
cordon_fuzz(fuzz_payloads SOURCES fuzz_payloads.c LINK cordon::protocol)
target_include_directories(fuzz_payloads PRIVATE ${CMAKE_SOURCE_DIR}/core/protocol)
