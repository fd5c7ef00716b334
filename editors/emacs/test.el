;; A scripted session: emacs --batch -l test.el, with the policy in $POLICY.  -*- lexical-binding: t -*-
(package-initialize)
(load (expand-file-name "aquarium-mode.el" (file-name-directory load-file-name)) nil t)
(require 'flymake)
(setq eglot-sync-connect 60 eglot-autoshutdown t)

(defun must (holds what)
  "Say WHAT was tried; end the session unless it HOLDS."
  (princ (format "%s emacs: %s\n" (if holds "ok  " "FAIL") what))
  (unless holds (kill-emacs 1)))

(defun wait-for (holds)
  "Wait until HOLDS returns something, and return that."
  (let ((turns 0))
    (while (and (< turns 600) (not (funcall holds)))
      (setq turns (1+ turns))
      (accept-process-output nil 0.1))
    (funcall holds)))

(defun ask (method text)
  "What the server answers to METHOD about the first place of TEXT."
  (goto-char (point-min))
  (search-forward text)
  (jsonrpc-request (eglot-current-server) method (eglot--TextDocumentPositionParams)))

(princ (format "emacs %s, eglot %s\n" emacs-version
               (package-version-join (package-desc-version (cadr (assq 'eglot package-alist))))))
(find-file (getenv "POLICY"))
(must (eq major-mode 'aquarium-mode) "a policy has its mode")
(let ((project (or (project-current) (cons 'transient default-directory))))
  (apply #'eglot (list '(aquarium-mode) project 'eglot-lsp-server (aquarium-server) "aquarium")))
(flymake-mode 1)
(flymake-start)
(let ((found (wait-for #'flymake-diagnostics)))
  (must found "the slip is found")
  (must (string-match-p "nigths" (flymake-diagnostic-text (car found))) "it is said"))
(must (string-match-p "at 22:00 every day" (plist-get (plist-get (ask :textDocument/hover "effectiv") :contents) :value))
      "a time frame is told in words")
(must (seq-find (lambda (it) (equal (plist-get it :label) "nights")) (ask :textDocument/completion "pricelist: nig"))
      "names are proposed")
(goto-char (point-min))
(search-forward "nigths")
(replace-match "nights")
(eglot--signal-textDocument/didChange) ; what a timer does when somebody sits there
(must (wait-for (lambda () (null (flymake-diagnostics)))) "the slip is mended")
(eglot-format-buffer)
(goto-char (point-min))
(must (search-forward "\"*\": default" nil t) "the layout is put right")
(set-buffer-modified-p nil)
(kill-emacs 0)
