;;; aquarium-mode.el --- Aquarium charging policies, with eglot -*- lexical-binding: t -*-
;; Runs with Emacs 28 and eglot 1.9, and with Emacs 29 and later, which bring eglot along.
;; Needs `aquarium-lsp' (or `aquariumc') on the PATH.  In your init file:
;;   (load "aquarium-mode.el")
;;   (add-hook 'aquarium-mode-hook #'eglot-ensure)

;;; Code:

(require 'eglot)

(defvar aquarium-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    table)
  "Comments begin with `#', texts stand in quotes.")

(defvar aquarium-mode-font-lock-keywords
  '(("^\\s-*\\(?:- +\\)*\\([^ \t\n#{}:][^#{}:\n]*\\):\\(?:\\s-\\|$\\)" 1 font-lock-keyword-face)
    ("{\\w+}\\|\\$\\w+" . font-lock-variable-name-face))
  "Keys, and the variables of expressions.")

;;;###autoload
(define-derived-mode aquarium-mode prog-mode "Aquarium"
  "Major mode for Aquarium charging policies."
  (setq-local comment-start "# ")
  (setq-local indent-tabs-mode nil)
  (setq-local font-lock-defaults '(aquarium-mode-font-lock-keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.aquarium\\(?:\\.ya?ml\\)?\\'" . aquarium-mode))

(defun aquarium-server (&rest _)
  "The command that starts the language server."
  (cond ((getenv "AQUARIUM_LSP") (list (getenv "AQUARIUM_LSP")))
        ((executable-find "aquarium-lsp") (list "aquarium-lsp"))
        (t (list "aquariumc" "lsp"))))

(add-to-list 'eglot-server-programs '(aquarium-mode . aquarium-server))

(provide 'aquarium-mode)
;;; aquarium-mode.el ends here
