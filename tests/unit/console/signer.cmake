# cordon-signer: in the test's own process, over its socket, and as a program.
foreach(subject keys orders policy standing attacks issue socket program)
  cordon_test(test_console_signer_${subject}
    SOURCES test_signer_${subject}.c signer_place.c store_place.c
    LINK cordon::signer MbedTLS::mbedx509 MbedTLS::mbedcrypto
    TIMEOUT 120)
  target_compile_definitions(test_console_signer_${subject} PRIVATE
    _GNU_SOURCE SIGNER_PROGRAM="$<TARGET_FILE:cordon-signer>")
  add_dependencies(test_console_signer_${subject} cordon-signer)
endforeach()
foreach(subject socket program)
  target_sources(test_console_signer_${subject} PRIVATE signer_loop.c)
endforeach()
