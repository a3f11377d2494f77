#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
#[allow(unreachable_pub, unused)]
const _: () = {
    pub struct __BusinessFields<T: 'static, __M: 'static, __P: ::fastness::__private::index::FieldLocation> {
        pub created_at: ::fastness::__private::index::FieldPath<
            __M,
            DateTime,
            ::fastness::__private::index::StructField<__P, Business<T>, 0usize>,
        >,
        pub is_active: ::fastness::__private::index::FieldPath<
            __M,
            bool,
            ::fastness::__private::index::StructField<__P, Business<T>, 1usize>,
        >,
        pub subscription: ::fastness::__private::index::FieldPath<
            __M,
            T,
            ::fastness::__private::index::StructField<__P, Business<T>, 2usize>,
        >,
        pub email: ::fastness::__private::index::FieldPath<
            __M,
            String,
            ::fastness::__private::index::StructField<__P, Business<T>, 3usize>,
        >,
        pub metadata: ::fastness::__private::index::FieldPath<
            __M,
            Document,
            ::fastness::__private::index::StructField<__P, Business<T>, 4usize>,
        >,
    }
    impl<T: 'static, __M: 'static, __P: ::fastness::__private::index::FieldLocation>
        ::fastness::__private::index::FieldSet for __BusinessFields<T, __M, __P>
    {
        const ALL: &'static Self = &__BusinessFields {
            created_at: ::fastness::__private::index::FieldPath::NEW,
            is_active: ::fastness::__private::index::FieldPath::NEW,
            subscription: ::fastness::__private::index::FieldPath::NEW,
            email: ::fastness::__private::index::FieldPath::NEW,
            metadata: ::fastness::__private::index::FieldPath::NEW,
        };
    }
    impl<T: 'static> ::fastness::__private::index::Nested for Business<T> {
        type Fields<__M: 'static, __P: ::fastness::__private::index::FieldLocation> = __BusinessFields<T, __M, __P>;
    }
    impl<T: 'static> ::fastness::__private::index::StoredFields for Business<T> {
        const SEGMENTS: &'static [::fastness::__private::index::StoredField] = {
            use ::fastness::__private::index::DefaultFacts as _;
            &[
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::Some("createdAt"),
                    array: ::fastness::__private::index::TypeFacts::<DateTime>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<DateTime>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<DateTime>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<DateTime>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<DateTime>::ITEMS,
                },
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::Some("isActive"),
                    array: ::fastness::__private::index::TypeFacts::<bool>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<bool>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<bool>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<bool>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<bool>::ITEMS,
                },
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::None,
                    array: ::fastness::__private::index::TypeFacts::<T>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<T>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<T>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<T>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<T>::ITEMS,
                },
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::Some("email"),
                    array: ::fastness::__private::index::TypeFacts::<String>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<String>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<String>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<String>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<String>::ITEMS,
                },
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::Some("metadata"),
                    array: ::fastness::__private::index::TypeFacts::<Document>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<Document>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<Document>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<Document>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<Document>::ITEMS,
                },
            ]
        };
    }
    impl<T: 'static> ::fastness::__private::index::Indexed for Business<T> {
        const COLLECTION: &'static str = "businesses";
        const INDEXES: &'static [::fastness::__private::index::DeclaredIndex] = {
            let __root = ::fastness::__private::index::root::<Self>();
            ::fastness::__private::index::require_date(&__root.created_at);
            let __at0 = ::fastness::__private::index::path_steps(&__root.created_at);
            let __at1 = ::fastness::__private::index::path_steps(&__root.email);
            let __at2 = ::fastness::__private::index::path_steps(&__root.email);
            ::fastness::__private::index::check_sparse(__at2);
            let __at3 = ::fastness::__private::index::path_steps(&__root.metadata);
            let __at4 = ::fastness::__private::index::path_steps(
                &::fastness::__private::index::nested_fields(&__root.subscription).plan,
            );
            let __at5 = ::fastness::__private::index::path_steps(&__root.is_active);
            ::fastness::__private::index::check_arrays(&[
                (::fastness::__private::index::IndexKind::Ascending, __at4),
                (::fastness::__private::index::IndexKind::Descending, __at5),
            ]);
            let __at6 = ::fastness::__private::index::path_steps(&__root.is_active);
            ::fastness::__private::index::check_literals(__at6, &[::fastness::__private::index::Literal::Bool(true)]);
            &[
                ::fastness::__private::index::DeclaredIndex {
                    fields: &[::fastness::__private::index::index_field(
                        __at0,
                        ::fastness::__private::index::IndexKind::Descending,
                    )],
                    expire_after: ::core::option::Option::Some(3600u32),
                    ..::fastness::__private::index::DeclaredIndex::DEFAULT
                },
                ::fastness::__private::index::DeclaredIndex {
                    fields: &[::fastness::__private::index::index_field(
                        __at1,
                        ::fastness::__private::index::IndexKind::Ascending,
                    )],
                    unique: true,
                    sparse: true,
                    ..::fastness::__private::index::DeclaredIndex::DEFAULT
                },
                ::fastness::__private::index::DeclaredIndex {
                    fields: &[::fastness::__private::index::index_field(
                        __at3,
                        ::fastness::__private::index::IndexKind::Wildcard,
                    )],
                    ..::fastness::__private::index::DeclaredIndex::DEFAULT
                },
                ::fastness::__private::index::DeclaredIndex {
                    fields: &[
                        ::fastness::__private::index::index_field(
                            __at4,
                            ::fastness::__private::index::IndexKind::Ascending,
                        ),
                        ::fastness::__private::index::index_field(
                            __at5,
                            ::fastness::__private::index::IndexKind::Descending,
                        ),
                    ],
                    partial: &[::fastness::__private::index::Condition {
                        path: __at6.names(),
                        operator: ::fastness::__private::index::Operator::Equal(
                            ::fastness::__private::index::stored_literal(
                                __at6,
                                ::fastness::__private::index::Literal::Bool(true),
                            ),
                        ),
                    }],
                    ..::fastness::__private::index::DeclaredIndex::DEFAULT
                },
            ]
        };
    }
};
