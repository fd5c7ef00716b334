-- Aquarium policies in Neovim: `dofile` this from your init.lua, or put it into `plugin/`.
-- Runs with Neovim 0.7 and later; needs `aquarium-lsp` (or `aquariumc`) on the PATH.

local function command()
  if vim.env.AQUARIUM_LSP then return { vim.env.AQUARIUM_LSP } end
  return vim.fn.executable('aquarium-lsp') == 1 and { 'aquarium-lsp' } or { 'aquariumc', 'lsp' }
end

local group = vim.api.nvim_create_augroup('aquarium', {})

vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, {
  group = group,
  pattern = { '*.aquarium', '*.aquarium.yaml', '*.aquarium.yml' },
  callback = function() vim.bo.filetype = 'aquarium' end,
})

-- One server for each directory: its files are one policy.
local clients = {}

vim.api.nvim_create_autocmd('FileType', {
  group = group,
  pattern = 'aquarium',
  callback = function(event)
    vim.bo.commentstring = '# %s'
    vim.bo.expandtab, vim.bo.shiftwidth = true, 2
    local root = vim.fn.fnamemodify(event.file, ':p:h')
    local id = clients[root]
    if not id or vim.lsp.client_is_stopped(id) then
      id = vim.lsp.start_client({ name = 'aquarium', cmd = command(), root_dir = root })
      clients[root] = id
    end
    if id then vim.lsp.buf_attach_client(event.buf, id) end
  end,
})
