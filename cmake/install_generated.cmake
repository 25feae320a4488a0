# Part of `cmake --install`: manual pages and shell completion, which the program itself prints.
# Given: tianyan, made (a folder for them), data_folder, man_folder.
cmake_path(ABSOLUTE_PATH data_folder BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX})
cmake_path(ABSOLUTE_PATH man_folder BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX})

function(tianyan_print file)
  execute_process(COMMAND ${tianyan} ${ARGN} OUTPUT_FILE ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${made})
file(MAKE_DIRECTORY ${made})
execute_process(COMMAND ${tianyan} man --output ${made}/man --configs ${data_folder}/tianyan/configs
                COMMAND_ERROR_IS_FATAL ANY)
tianyan_print(${made}/tianyan completion bash)
tianyan_print(${made}/_tianyan completion zsh)
tianyan_print(${made}/tianyan.fish completion fish)

# Debian's zsh looks for what packages bring in a folder of its own.
set(zsh_folder site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL /usr AND EXISTS /etc/debian_version)
  set(zsh_folder vendor-completions)
endif()
file(GLOB pages ${made}/man/*.1)
file(INSTALL ${pages} DESTINATION ${man_folder}/man1)
file(INSTALL ${made}/tianyan DESTINATION ${data_folder}/bash-completion/completions)
file(INSTALL ${made}/_tianyan DESTINATION ${data_folder}/zsh/${zsh_folder})
file(INSTALL ${made}/tianyan.fish DESTINATION ${data_folder}/fish/vendor_completions.d)
