-- A scripted session: nvim --headless -u NONE -i NONE -n -S test.lua, with the policy in $POLICY.
local here = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h')
dofile(here .. '/aquarium.lua')

local TIME_MAX = 60000
local function say(text) io.stdout:write(text .. '\n') end
local function must(holds, what)
  say((holds and 'ok   ' or 'FAIL ') .. 'neovim: ' .. what)
  if not holds then vim.cmd('cq!') end
end

-- The answer of the server to a question about the first place of a text.
local function ask(method, text)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local at = line:find(text, 1, true)
    if at then
      local document = vim.lsp.util.make_text_document_params()
      local params = { textDocument = document, position = { line = number - 1, character = at } }
      local answers = vim.lsp.buf_request_sync(0, method, params, TIME_MAX) or {}
      local _, answer = next(answers)
      return answer and answer.result
    end
  end
end

local version = vim.version()
say(string.format('neovim %d.%d.%d', version.major, version.minor, version.patch))
vim.cmd('filetype on')
vim.cmd('edit ' .. vim.fn.fnameescape(vim.env.POLICY))
must(vim.bo.filetype == 'aquarium', 'a policy has its file type')
must(vim.wait(TIME_MAX, function() return #vim.diagnostic.get(0) > 0 end, 50), 'the slip is found')
local slip = vim.diagnostic.get(0)[1]
must(slip.source == 'aquarium' and slip.message:find('nigths', 1, true) ~= nil, 'it is said: ' .. slip.message:match('[^\n]*'))
local hover = ask('textDocument/hover', 'effective')
must(hover and hover.contents.value:find('at 22:00 every day', 1, true) ~= nil, 'a time frame is told in words')
local labels = vim.tbl_map(function(it) return it.label end, ask('textDocument/completion', 'nigths') or {})
must(vim.tbl_contains(labels, 'nights'), 'names are proposed: ' .. table.concat(labels, ' '))
local line = slip.lnum
local text = vim.api.nvim_buf_get_lines(0, line, line + 1, false)[1]
vim.api.nvim_buf_set_lines(0, line, line + 1, false, { (text:gsub('nigths', 'nights')) })
must(vim.wait(TIME_MAX, function() return #vim.diagnostic.get(0) == 0 end, 50), 'the slip is mended')
vim.lsp.buf.formatting_sync(nil, TIME_MAX)
must(vim.fn.search('"\\*": default$', 'n') > 0, 'the layout is put right')
vim.lsp.stop_client(vim.lsp.get_active_clients())
vim.cmd('qa!')
