// The report of the public API: every export of every entry point as the published types have it, a paragraph each with its
// docstring, without private members; and the types that it names without exporting them.
import ts from 'typescript';

/** @param entries Name of each entry point and its file of types. */
export function apiReport(entries, options) {
  const program = ts.createProgram(
    entries.map(([, file]) => file),
    { ...options, noEmit: true },
  );
  const checker = program.getTypeChecker();
  const exportsOf = (file) => checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
  const resolved = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exported = new Set(entries.flatMap(([, file]) => exportsOf(file).map(resolved)));
  const leaks = new Set();

  const sections = entries.map(([name, file]) => {
    const symbols = exportsOf(file).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return `## ${name}\n\n${symbols.map((symbol) => paragraph(symbol.name, resolved(symbol))).join('\n\n')}`;
  });
  return { text: sections.join('\n\n'), leaks: [...leaks] };

  function paragraph(name, symbol) {
    const doc = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll(/\s+/g, ' ').trim();
    const declarations = (symbol.declarations ?? []).map((node) => {
      const whole = ts.isVariableDeclaration(node) ? node.parent.parent : node;
      const shown = ts.isClassDeclaration(whole) ? withoutPrivate(whole) : whole;
      findLeaks(name, shown);
      return print(shown, whole.getSourceFile());
    });
    return `### ${name}\n\n${doc === '' ? '' : `${doc}\n\n`}\`\`\`ts\n${declarations.join('\n')}\n\`\`\``;
  }

  /** Names of types of ours that users see and cannot import. */
  function findLeaks(owner, node) {
    const visit = (child) => {
      if (ts.isTypeReferenceNode(child) || ts.isExpressionWithTypeArguments(child)) {
        const symbol = checker.getSymbolAtLocation(ts.isTypeReferenceNode(child) ? child.typeName : child.expression);
        const target = symbol === undefined ? undefined : resolved(symbol);
        const file = target?.declarations?.[0]?.getSourceFile().fileName ?? '';
        if (
          file.includes('/dist/') &&
          !file.includes('node_modules') &&
          !(target.flags & ts.SymbolFlags.TypeParameter) &&
          !exported.has(target)
        )
          leaks.add(`${owner} names ${target.name}`);
      }
      ts.forEachChild(child, visit);
    };
    for (const child of ts.isClassDeclaration(node) ? [...node.members, ...(node.heritageClauses ?? [])] : [node]) visit(child);
  }
}

function withoutPrivate(node) {
  const hidden = ts.ModifierFlags.Private;
  const members = node.members.filter(
    (member) => !(ts.getCombinedModifierFlags(member) & hidden) && !(member.name !== undefined && ts.isPrivateIdentifier(member.name)),
  );
  return ts.factory.updateClassDeclaration(node, node.modifiers, node.name, node.typeParameters, node.heritageClauses, members);
}

function print(node, file) {
  return ts
    .createPrinter({ removeComments: true })
    .printNode(ts.EmitHint.Unspecified, node, file)
    .replace(/^export (declare )?/, '')
    .trim();
}
