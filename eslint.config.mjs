import tseslint from 'typescript-eslint'

const only = (message, ...forbidden) => ({
  'no-restricted-imports': ['error', { patterns: forbidden.map((group) => ({ ...group, message })) }],
})
const folders = (...names) => names.map((name) => `**/${name}/**`)

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'proto/gen/',
      'node_modules/',
      '**/node_modules/',
      '.chaincoded/',
      'test/fixtures/chaincodes/',
      'test/bench/chaincode-*/',
      'examples/*/',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-unused-expressions': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['machines/**/*.ts'],
    rules: only(
      'A statechart imports XState and its neighbours only: what is done to the world is a named placeholder.',
      { group: folders('services', 'src', 'proto', 'test') },
      { regex: '^(?!xstate$|\\./)' },
    ),
  },
  {
    files: ['services/**/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: folders('src', 'test'),
              message: 'A service does one thing to the world and knows nothing of the program.',
            },
            {
              group: folders('machines'),
              message: 'A service may know the events of a statechart, not the statechart.',
              allowTypeImports: true,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: only('The program does not import its tests or pages.', { group: folders('test', 'visualizations') }),
  },
  {
    files: ['machines/chaincode-facts.ts'],
    // XState's reference type is generic in its events; whoever answers REGISTER may be of any logic.
    rules: { '@typescript-eslint/no-explicit-any': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
)
