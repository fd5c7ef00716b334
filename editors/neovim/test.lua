-- A scripted session: nvim --headless -u NONE -i NONE -n -S test.lua, with the policy in $POLICY.
local here = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h')
dofile(here .. '/aquarium.lua')
vim.cmd('filetype on')
vim.cmd('edit ' .. vim.fn.fnameescape(vim.env.POLICY))
local found = vim.wait(30000, function() return #vim.diagnostic.get(0) > 0 end, 50)
for _, it in ipairs(vim.diagnostic.get(0)) do
  io.stdout:write(string.format('%d:%d %s [%s]\n', it.lnum + 1, it.col + 1, it.message, it.source))
end
vim.lsp.stop_client(vim.lsp.get_active_clients())
vim.cmd(found and 'qa!' or 'cq!')
