# The server's pure parts: OData, routes, forms, tokens, errors.
cordon_test(test_console_web
  SOURCES web_main.c test_config.c test_form.c test_list.c test_oauth.c test_odata.c test_range.c test_reply.c test_route.c
  LINK cordon::console)
target_compile_definitions(test_console_web PRIVATE CONSOLE_CONFIG="${CMAKE_SOURCE_DIR}/config/cordon-console.json")
